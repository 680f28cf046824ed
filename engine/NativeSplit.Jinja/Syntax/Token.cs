namespace NativeSplit.Jinja.Syntax;

/// <summary>Kinds of token.</summary>
internal enum TokenKind
{
    /// <summary>Text between tags.</summary>
    Text,

    /// <summary><c>{%</c></summary>
    OpenStatement,

    /// <summary><c>%}</c></summary>
    CloseStatement,

    /// <summary><c>{{</c></summary>
    OpenExpression,

    /// <summary><c>}}</c></summary>
    CloseExpression,

    /// <summary>Digits, perhaps with a fraction and an exponent.</summary>
    Number,

    /// <summary>A string literal; the value has its escapes resolved.</summary>
    String,

    /// <summary>A name or keyword.</summary>
    Identifier,

    /// <summary>An operator, bracket or other mark.</summary>
    Mark,

    /// <summary>After the last token.</summary>
    End,
}

/// <summary>A token.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Value">Its text.</param>
/// <param name="Position">Where it begins in the prepared source.</param>
internal readonly record struct Token(TokenKind Kind, string Value, int Position)
{
    /// <summary>How messages name it.</summary>
    public string Describe() => Kind switch
    {
        TokenKind.Text => "text",
        TokenKind.String => "a string",
        TokenKind.End => "the end of the template",
        _ => $"'{Value}'",
    };
}
