namespace NativeSplit.Jinja.Syntax;

/// <summary>Builds the tree of a template. This part: arguments of calls and parameters of macros.</summary>
internal sealed partial class Parser
{
    private ArgumentList ParseArguments()
    {
        ExpectMark("(");
        List<Argument> arguments = [];
        HashSet<ArgumentKind> kinds = [];
        int height = 0;
        while (!AtMark(")"))
        {
            int position = Current.Position;
            Argument argument = ParseArgument();
            CheckOrder(kinds, argument.Kind, position);
            kinds.Add(argument.Kind);
            arguments.Add(argument);
            height = Math.Max(height, argument.Value.Height);
            if (!TakeMark(","))
            {
                break;
            }
        }

        ExpectMark(")");
        return arguments.Count == 0 ? ArgumentList.Empty : new ArgumentList(arguments, height);
    }

    private Argument ParseArgument()
    {
        if (TakeMark("**"))
        {
            return new Argument(ArgumentKind.NamedSpread, null, ParseExpression());
        }

        if (TakeMark("*"))
        {
            return new Argument(ArgumentKind.Spread, null, ParseExpression());
        }

        if (Current.Kind == TokenKind.Identifier && _tokens[_current + 1] is { Kind: TokenKind.Mark, Value: "=" })
        {
            string name = Take().Value;
            _current++;
            return new Argument(ArgumentKind.Named, name, ParseExpression());
        }

        return new Argument(ArgumentKind.Positional, null, ParseExpression());
    }

    private void CheckOrder(HashSet<ArgumentKind> before, ArgumentKind kind, int position)
    {
        if (before.Contains(ArgumentKind.NamedSpread))
        {
            throw Error(JinjaFault.Syntax, position, "'**' must be the last argument");
        }

        if (kind == ArgumentKind.Positional && (before.Contains(ArgumentKind.Named) || before.Contains(ArgumentKind.Spread)))
        {
            throw Error(JinjaFault.Syntax, position, "A positional argument must come before named and unpacked ones");
        }

        if (kind == ArgumentKind.Spread && before.Contains(ArgumentKind.Spread))
        {
            throw Error(JinjaFault.Syntax, position, "Only one '*' argument is allowed");
        }
    }

    private List<(string Name, Expression? Default)> ParseParameters()
    {
        ExpectMark("(");
        List<(string Name, Expression? Default)> parameters = [];
        HashSet<string> names = [];
        bool sawDefault = false;
        while (!AtMark(")"))
        {
            Token name = ExpectIdentifier("a parameter");
            Expression? value = TakeMark("=") ? ParseExpression() : null;
            if (!names.Add(name.Value))
            {
                throw Error(JinjaFault.Syntax, name.Position, $"The parameter '{name.Value}' is declared twice");
            }

            if (value is null && sawDefault)
            {
                throw Error(JinjaFault.Syntax, name.Position, $"The parameter '{name.Value}' needs a default: one before it has one");
            }

            sawDefault |= value is not null;
            parameters.Add((name.Value, value));
            if (!TakeMark(","))
            {
                break;
            }
        }

        ExpectMark(")");
        return parameters;
    }
}
