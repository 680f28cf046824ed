namespace NativeSplit.Jinja.Syntax;

/// <summary>Builds the tree of a template. This part: operators, from the loosest to the tightest.</summary>
/// <remarks>
/// Order, loosest first: <c>if else</c>; <c>or</c>; <c>and</c>; <c>not</c>; comparison and <c>in</c>; <c>+ - ~</c>; <c>* / // %</c>;
/// <c>**</c> (from the left); <c>is</c>; <c>|</c>; sign; call, member and slice.
/// </remarks>
internal sealed partial class Parser
{
    /// <summary><c>a, b</c> is a tuple.</summary>
    private Expression ParseExpressionList()
    {
        int position = Current.Position;
        Expression first = ParseExpression();
        if (!AtMark(","))
        {
            return first;
        }

        List<Expression> items = [first];
        while (TakeMark(",") && !AtMark(")") && !AtMark("=") && Current.Kind != TokenKind.CloseStatement)
        {
            items.Add(ParseExpression());
        }

        return Check(new ListExpression(position, 1 + Highest(items), items, IsTuple: true));
    }

    private Expression ParseExpression()
    {
        Enter();
        Expression value = ParseOr();
        if (AtWord("if"))
        {
            int position = Take().Position;
            Expression condition = ParseOr();
            Expression? otherwise = TakeWord("else") ? ParseExpression() : null;
            int height = 1 + Math.Max(Math.Max(value.Height, condition.Height), otherwise?.Height ?? 0);
            value = Check(new ConditionalExpression(position, height, condition, value, otherwise));
        }

        _nesting--;
        return value;
    }

    private Expression ParseOr()
    {
        Expression left = ParseAnd();
        while (AtWord("or"))
        {
            int position = Take().Position;
            left = Binary(position, BinaryOperator.Or, left, ParseAnd());
        }

        return left;
    }

    private Expression ParseAnd()
    {
        Expression left = ParseNot();
        while (AtWord("and"))
        {
            int position = Take().Position;
            left = Binary(position, BinaryOperator.And, left, ParseNot());
        }

        return left;
    }

    private Expression ParseNot()
    {
        if (!AtWord("not"))
        {
            return ParseComparison();
        }

        Enter();
        int position = Take().Position;
        Expression operand = ParseNot();
        _nesting--;
        return Check(new UnaryExpression(position, 1 + operand.Height, UnaryOperator.Not, operand));
    }

    private Expression ParseComparison()
    {
        Expression left = ParseAdditive();
        while (true)
        {
            int position = Current.Position;
            BinaryOperator operation;
            if (AtWord("not") && _tokens[_current + 1] is { Kind: TokenKind.Identifier, Value: "in" })
            {
                _current += 2;
                operation = BinaryOperator.NotIn;
            }
            else if (TakeWord("in"))
            {
                operation = BinaryOperator.In;
            }
            else if (Current.Kind == TokenKind.Mark && ComparisonOf(Current.Value) is { } comparison)
            {
                _current++;
                operation = comparison;
            }
            else
            {
                return left;
            }

            left = Binary(position, operation, left, ParseAdditive());
        }
    }

    private static BinaryOperator? ComparisonOf(string mark) => mark switch
    {
        "==" => BinaryOperator.Equal,
        "!=" => BinaryOperator.NotEqual,
        "<" => BinaryOperator.Less,
        "<=" => BinaryOperator.LessOrEqual,
        ">" => BinaryOperator.Greater,
        ">=" => BinaryOperator.GreaterOrEqual,
        _ => null,
    };

    private Expression ParseAdditive()
    {
        Expression left = ParseMultiplicative();
        while (Current.Kind == TokenKind.Mark && Current.Value is "+" or "-" or "~")
        {
            Token mark = Take();
            BinaryOperator operation = mark.Value switch { "+" => BinaryOperator.Add, "-" => BinaryOperator.Subtract, _ => BinaryOperator.Join };
            left = Binary(mark.Position, operation, left, ParseMultiplicative());
        }

        return left;
    }

    private Expression ParseMultiplicative()
    {
        Expression left = ParsePower();
        while (Current.Kind == TokenKind.Mark && Current.Value is "*" or "/" or "//" or "%")
        {
            Token mark = Take();
            BinaryOperator operation = mark.Value switch
            {
                "*" => BinaryOperator.Multiply,
                "/" => BinaryOperator.Divide,
                "//" => BinaryOperator.FloorDivide,
                _ => BinaryOperator.Remainder,
            };
            left = Binary(mark.Position, operation, left, ParsePower());
        }

        return left;
    }

    private Expression ParsePower()
    {
        Expression left = ParseTest();
        while (AtMark("**"))
        {
            int position = Take().Position;
            left = Binary(position, BinaryOperator.Power, left, ParseTest());
        }

        return left;
    }

    private Expression ParseTest()
    {
        Expression operand = ParseFilter();
        while (TakeWord("is"))
        {
            bool negated = TakeWord("not");
            Token name = ExpectIdentifier("the name of a test");
            if (!Tests.TryGet(name.Value, out bool takesArgument))
            {
                throw Error(JinjaFault.Unsupported, name.Position, $"The test '{name.Value}' isn't supported");
            }

            ArgumentList arguments = ArgumentList.Empty;
            if (AtMark("("))
            {
                arguments = ParseArguments();
            }
            else if (takesArgument)
            {
                Expression argument = ParseSign();
                arguments = new ArgumentList([new Argument(ArgumentKind.Positional, null, argument)], argument.Height);
            }

            int height = 1 + Math.Max(operand.Height, arguments.Height);
            operand = Check(new TestExpression(name.Position, height, operand, name.Value, negated, arguments));
        }

        return operand;
    }

    private Expression ParseFilter()
    {
        Expression operand = ParseSign();
        while (TakeMark("|"))
        {
            FilterUse use = ParseFilterUse();
            operand = Check(new FilterExpression(use.Position, 1 + Math.Max(operand.Height, use.Arguments.Height), operand, use));
        }

        return operand;
    }

    private FilterUse ParseFilterUse()
    {
        Token name = ExpectIdentifier("the name of a filter");
        if (!Filters.IsKnown(name.Value))
        {
            throw Error(JinjaFault.Unsupported, name.Position, $"The filter '{name.Value}' isn't supported");
        }

        bool hasParentheses = AtMark("(");
        FilterUse use = new(name.Position, name.Value, hasParentheses ? ParseArguments() : ArgumentList.Empty, hasParentheses);
        CheckNamesInside(use);
        return use;
    }

    /// <summary>Some filters take the name of a test or filter as a string; a literal is checked here.</summary>
    private void CheckNamesInside(FilterUse use)
    {
        int index = use.Name is "select" or "reject" or "map" ? 0 : use.Name is "selectattr" or "rejectattr" ? 1 : int.MaxValue;
        if (index >= use.Arguments.Items.Count
            || use.Arguments.Items[index] is not { Kind: ArgumentKind.Positional, Value: Literal { Value: StringValue name } literal })
        {
            return;
        }

        if (use.Name == "map" ? !Filters.IsKnown(name.Text) : !Tests.TryGet(name.Text, out _))
        {
            throw Error(JinjaFault.Unsupported, literal.Position, $"The {(use.Name == "map" ? "filter" : "test")} '{name.Text}' isn't supported");
        }
    }

    private Expression ParseSign()
    {
        if (!AtMark("-") && !AtMark("+"))
        {
            return ParsePostfix();
        }

        Enter();
        Token mark = Take();
        Expression operand = ParseSign();
        _nesting--;
        UnaryOperator operation = mark.Value == "-" ? UnaryOperator.Minus : UnaryOperator.Plus;
        return Check(new UnaryExpression(mark.Position, 1 + operand.Height, operation, operand));
    }

    private BinaryExpression Binary(int position, BinaryOperator operation, Expression left, Expression right) =>
        Check(new BinaryExpression(position, 1 + Math.Max(left.Height, right.Height), operation, left, right));

    private static int Highest(List<Expression> expressions) => expressions.Count == 0 ? 0 : expressions.Max(expression => expression.Height);

    /// <summary>A long chain of operators is no nesting for the parser, but it is for the evaluator.</summary>
    private T Check<T>(T expression)
        where T : Expression =>
        expression.Height > 4 * _limits.MaxNesting ? throw TooDeep(expression.Position) : expression;
}
