using System.Globalization;
using System.Text;

namespace NativeSplit.Jinja.Syntax;

/// <summary>Cuts a prepared source into tokens. White space inside tags and comments is dropped; <c>-</c> at a tag strips the text beside it.</summary>
internal sealed class Lexer
{
    // Longer marks come first.
    private static readonly string[] Marks =
        ["<=", ">=", "==", "!=", "**", "//", "(", ")", "{", "}", "[", "]", ",", ".", ":", "|", "<", ">", "+", "-", "~", "*", "/", "%", "="];

    private readonly TemplateSource _source;
    private readonly string _text;
    private readonly List<Token> _tokens = [];
    private int _position;

    private Lexer(TemplateSource source)
    {
        _source = source;
        _text = source.Text;
    }

    /// <summary>Cuts a source.</summary>
    /// <exception cref="JinjaException">A tag, string or comment isn't closed, or holds a character that Jinja doesn't know.</exception>
    public static IReadOnlyList<Token> Tokenize(TemplateSource source)
    {
        Lexer lexer = new(source);
        lexer.Run();
        return lexer._tokens;
    }

    private void Run()
    {
        while (_position < _text.Length)
        {
            ReadText();
            if (At("{#"))
            {
                ReadComment();
            }
            else if (At("{%"))
            {
                ReadTag(TokenKind.OpenStatement, TokenKind.CloseStatement, "{%", "%}");
            }
            else if (At("{{"))
            {
                ReadTag(TokenKind.OpenExpression, TokenKind.CloseExpression, "{{", "}}");
            }
        }

        Add(TokenKind.End, string.Empty, _text.Length);
    }

    private void ReadText()
    {
        int start = _position;
        while (_position < _text.Length && !At("{%") && !At("{{") && !At("{#"))
        {
            int brace = _text.IndexOf('{', _position + (_text[_position] == '{' ? 1 : 0));
            _position = brace < 0 ? _text.Length : brace;
        }

        if (_position > start)
        {
            Add(TokenKind.Text, _text[start.._position], start);
        }
    }

    private void ReadComment()
    {
        int start = _position;
        int content = start + 2;
        bool stripBefore = content < _text.Length && _text[content] == '-';
        content += stripBefore ? 1 : 0;
        int end = _text.IndexOf("#}", content, StringComparison.Ordinal);
        if (end < 0)
        {
            throw Error(start, "The comment '{#' isn't closed with '#}'");
        }

        if (stripBefore)
        {
            StripLastText();
        }

        _position = end + 2;
        if (end > content && _text[end - 1] == '-')
        {
            SkipWhiteSpace();
        }
    }

    private void ReadTag(TokenKind open, TokenKind close, string opening, string closing)
    {
        int start = _position;
        _position += 2;
        if (At("-"))
        {
            StripLastText();
            _position++;
        }
        else if (At("+"))
        {
            _position++;
        }

        Add(open, opening, start);
        int braces = 0;
        while (true)
        {
            SkipWhiteSpace();
            if (_position >= _text.Length)
            {
                throw Error(start, $"The tag '{opening}' isn't closed with '{closing}'");
            }

            if (At("-" + closing))
            {
                Add(close, closing, _position);
                _position += 3;
                SkipWhiteSpace();
                return;
            }

            if ((braces == 0 || close == TokenKind.CloseStatement) && (At(closing) || At("+" + closing)))
            {
                Add(close, closing, _position);
                _position += At("+") ? 3 : 2;
                return;
            }

            ReadToken(ref braces);
        }
    }

    private void ReadToken(ref int braces)
    {
        char c = _text[_position];
        if (c is '\'' or '"')
        {
            ReadString(c);
        }
        else if (char.IsAsciiDigit(c))
        {
            ReadNumber();
        }
        else if (char.IsAsciiLetter(c) || c == '_')
        {
            int start = _position;
            while (_position < _text.Length && (char.IsAsciiLetterOrDigit(_text[_position]) || _text[_position] == '_'))
            {
                _position++;
            }

            Add(TokenKind.Identifier, _text[start.._position], start);
        }
        else
        {
            ReadMark(ref braces);
        }
    }

    private void ReadMark(ref int braces)
    {
        foreach (string mark in Marks)
        {
            if (At(mark))
            {
                braces += mark == "{" ? 1 : mark == "}" ? -1 : 0;
                Add(TokenKind.Mark, mark, _position);
                _position += mark.Length;
                return;
            }
        }

        throw Error(_position, $"Unexpected character '{_text[_position]}'");
    }

    private void ReadNumber()
    {
        int start = _position;
        SkipDigits();
        bool afterDot = _tokens[^1] is { Kind: TokenKind.Mark, Value: "." };
        if (!afterDot && _position + 1 < _text.Length && _text[_position] == '.' && char.IsAsciiDigit(_text[_position + 1]))
        {
            _position++;
            SkipDigits();
        }

        if (!afterDot)
        {
            SkipExponent();
        }

        Add(TokenKind.Number, _text[start.._position], start);
    }

    private void ReadString(char quote)
    {
        int start = _position++;
        StringBuilder value = new();
        while (true)
        {
            if (_position >= _text.Length)
            {
                throw Error(start, "The string isn't closed");
            }

            char c = _text[_position++];
            if (c == quote)
            {
                break;
            }

            if (c == '\\')
            {
                ReadEscape(value);
            }
            else
            {
                value.Append(c);
            }
        }

        Add(TokenKind.String, value.ToString(), start);
    }

    private void ReadEscape(StringBuilder value)
    {
        if (_position >= _text.Length)
        {
            throw Error(_position - 1, "The string isn't closed");
        }

        char c = _text[_position++];
        switch (c)
        {
            case 'n': value.Append('\n'); break;
            case 't': value.Append('\t'); break;
            case 'r': value.Append('\r'); break;
            case 'b': value.Append('\b'); break;
            case 'f': value.Append('\f'); break;
            case 'v': value.Append('\v'); break;
            case 'a': value.Append('\a'); break;
            case '\'' or '"' or '\\': value.Append(c); break;
            case 'x': value.Append((char)ReadHex(2)); break;
            case 'u': value.Append((char)ReadHex(4)); break;
            case '\n': break; // As in Python: a line that ends in a backslash goes on in the next.
            default: value.Append('\\').Append(c); break; // As in Python: an unknown escape stands for itself.
        }
    }

    private int ReadHex(int digits)
    {
        if (_position + digits > _text.Length
            || !int.TryParse(_text.AsSpan(_position, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out int code))
        {
            throw Error(_position, $"An escape needs {digits} hexadecimal digits");
        }

        _position += digits;
        return code;
    }

    private void SkipExponent()
    {
        int start = _position;
        if (At("e") || At("E"))
        {
            _position += At("e+") || At("e-") || At("E+") || At("E-") ? 2 : 1;
            int digits = _position;
            SkipDigits();
            _position = _position == digits ? start : _position;
        }
    }

    private void SkipDigits()
    {
        while (_position < _text.Length && char.IsAsciiDigit(_text[_position]))
        {
            _position++;
        }
    }

    private void SkipWhiteSpace()
    {
        while (_position < _text.Length && WhiteSpace.Is(_text[_position]))
        {
            _position++;
        }
    }

    private void StripLastText()
    {
        if (_tokens.Count == 0 || _tokens[^1].Kind != TokenKind.Text)
        {
            return;
        }

        string stripped = WhiteSpace.TrimEnd(_tokens[^1].Value);
        if (stripped.Length == 0)
        {
            _tokens.RemoveAt(_tokens.Count - 1);
        }
        else
        {
            _tokens[^1] = _tokens[^1] with { Value = stripped };
        }
    }

    private bool At(string mark) => string.CompareOrdinal(_text, _position, mark, 0, mark.Length) == 0;

    private void Add(TokenKind kind, string value, int position) => _tokens.Add(new Token(kind, value, position));

    private JinjaException Error(int position, string detail)
    {
        (int line, int column) = _source.Locate(position);
        return new JinjaException(JinjaFault.Syntax, detail, line, column);
    }
}
