using System.Globalization;
using System.Text;

namespace NativeSplit.Jinja.Syntax;

/// <summary>Builds the tree of a template. This part: operands with their members, slices and calls.</summary>
internal sealed partial class Parser
{
    private Expression ParsePostfix()
    {
        Expression value = ParsePrimary();
        while (Current.Kind == TokenKind.Mark)
        {
            int position = Current.Position;
            if (TakeMark("."))
            {
                Expression key = ParseAttribute();
                value = Check(new MemberExpression(position, 1 + value.Height, value, key, IsComputed: false));
            }
            else if (AtMark("["))
            {
                value = ParseBrackets(value);
            }
            else if (AtMark("("))
            {
                ArgumentList arguments = ParseArguments();
                value = Check(new CallExpression(position, 1 + Math.Max(value.Height, arguments.Height), value, arguments));
            }
            else
            {
                break;
            }
        }

        return value;
    }

    private Literal ParseAttribute()
    {
        Token token = Take();
        return token.Kind switch
        {
            TokenKind.Identifier => new Literal(token.Position, new StringValue(token.Value)),
            TokenKind.Number when !token.Value.AsSpan().ContainsAny('.', 'e', 'E') => ParseNumber(token),
            _ => throw Unexpected(token, "a name or a whole number after '.'"),
        };
    }

    private Expression ParseBrackets(Expression target)
    {
        int position = Take().Position;
        Expression? start = AtMark(":") ? null : ParseExpression();
        if (start is not null && TakeMark("]"))
        {
            return Check(new MemberExpression(position, 1 + Math.Max(target.Height, start.Height), target, start, IsComputed: true));
        }

        ExpectMark(":");
        Expression? stop = AtMark(":") || AtMark("]") ? null : ParseExpression();
        Expression? step = TakeMark(":") && !AtMark("]") ? ParseExpression() : null;
        ExpectMark("]");
        int height = 1 + Math.Max(Math.Max(target.Height, start?.Height ?? 0), Math.Max(stop?.Height ?? 0, step?.Height ?? 0));
        return Check(new SliceExpression(position, height, target, start, stop, step));
    }

    private Expression ParsePrimary()
    {
        Token token = Take();
        switch (token.Kind)
        {
            case TokenKind.Number:
                return ParseNumber(token);
            case TokenKind.String:
                return ParseString(token);
            case TokenKind.Identifier:
                _readsVarargs |= token.Value == "varargs";
                _readsKwargs |= token.Value == "kwargs";
                return new NameExpression(token.Position, token.Value);
            case TokenKind.Mark when token.Value == "(":
                return ParseParenthesised(token);
            case TokenKind.Mark when token.Value == "[":
                return ParseList(token);
            case TokenKind.Mark when token.Value == "{":
                return ParseDict(token);
            default:
                throw Unexpected(token, "an expression");
        }
    }

    /// <summary>String literals in a row are one.</summary>
    private Literal ParseString(Token token)
    {
        StringBuilder text = new(token.Value);
        while (Current.Kind == TokenKind.String)
        {
            text.Append(Take().Value);
        }

        return new Literal(token.Position, new StringValue(text.ToString()));
    }

    private Expression ParseParenthesised(Token open)
    {
        if (TakeMark(")"))
        {
            return new ListExpression(open.Position, 1, [], IsTuple: true);
        }

        Expression value = ParseExpressionList();
        ExpectMark(")");
        return value;
    }

    private ListExpression ParseList(Token open)
    {
        List<Expression> items = [];
        while (!AtMark("]"))
        {
            items.Add(ParseExpression());
            if (!TakeMark(","))
            {
                break;
            }
        }

        ExpectMark("]");
        return Check(new ListExpression(open.Position, 1 + Highest(items), items, IsTuple: false));
    }

    private DictExpression ParseDict(Token open)
    {
        List<(Expression Key, Expression Value)> entries = [];
        int height = 0;
        while (!AtMark("}"))
        {
            Expression key = ParseExpression();
            ExpectMark(":");
            Expression value = ParseExpression();
            entries.Add((key, value));
            height = Math.Max(height, Math.Max(key.Height, value.Height));
            if (!TakeMark(","))
            {
                break;
            }
        }

        ExpectMark("}");
        return Check(new DictExpression(open.Position, 1 + height, entries));
    }

    private Literal ParseNumber(Token token)
    {
        if (token.Value.AsSpan().ContainsAny('.', 'e', 'E'))
        {
            return new Literal(token.Position, new FloatValue(double.Parse(token.Value, CultureInfo.InvariantCulture)));
        }

        return long.TryParse(token.Value, NumberStyles.None, CultureInfo.InvariantCulture, out long number)
            ? new Literal(token.Position, new IntegerValue(number))
            : throw Error(JinjaFault.Unsupported, token.Position, $"The integer {token.Value} is outside 64 bits");
    }
}
