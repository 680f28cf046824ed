using RuntimeHelpers = System.Runtime.CompilerServices.RuntimeHelpers;

namespace NativeSplit.Jinja.Runtime;

/// <summary>One rendering of a template. This part: expressions.</summary>
internal sealed partial class Evaluator
{
    private static void EnsureStack(CallSite site)
    {
        if (!RuntimeHelpers.TryEnsureSufficientExecutionStack())
        {
            throw site.Limit("The template is nested deeper than the stack allows");
        }
    }

    private JinjaValue Evaluate(Expression expression, Scope scope)
    {
        CallSite site = At(expression.Position);
        Budget.Work(site, 1);
        EnsureStack(site);
        return expression switch
        {
            Literal literal => literal.Value,
            NameExpression name => scope.Get(name.Name),
            MemberExpression member => EvaluateMember(member, scope),
            CallExpression call => EvaluateCall(call, scope),
            BinaryExpression binary => EvaluateBinary(binary, scope),
            FilterExpression filter => ApplyFilter(filter.Use, Evaluate(filter.Operand, scope), scope),
            TestExpression test => EvaluateTest(test, scope),
            UnaryExpression unary => Operators.Apply(site, unary.Operator, Evaluate(unary.Operand, scope)),
            ConditionalExpression conditional => Evaluate(conditional.Condition, scope).IsTrue
                ? Evaluate(conditional.Then, scope)
                : conditional.Else is null ? UndefinedValue.Instance : Evaluate(conditional.Else, scope),
            SliceExpression slice => EvaluateSlice(slice, scope),
            ListExpression list => EvaluateList(list, scope),
            DictExpression dict => EvaluateDict(dict, scope),
            _ => throw new InvalidOperationException($"No rule for {expression.GetType().Name}."),
        };
    }

    private JinjaValue EvaluateBinary(BinaryExpression binary, Scope scope)
    {
        JinjaValue left = Evaluate(binary.Left, scope);
        return binary.Operator switch
        {
            BinaryOperator.And => left.IsTrue ? Evaluate(binary.Right, scope) : left,
            BinaryOperator.Or => left.IsTrue ? left : Evaluate(binary.Right, scope),
            _ => Operators.Apply(At(binary.Position), binary.Operator, left, Evaluate(binary.Right, scope)),
        };
    }

    private JinjaValue EvaluateMember(MemberExpression member, Scope scope)
    {
        JinjaValue target = Evaluate(member.Target, scope);
        return Members.Get(At(member.Position), target, Evaluate(member.Key, scope));
    }

    private JinjaValue EvaluateCall(CallExpression call, Scope scope)
    {
        CallArguments arguments = EvaluateArguments(call.Arguments, scope);
        CallSite site = At(call.Position);
        return Evaluate(call.Callee, scope) switch
        {
            FunctionValue function => function.Body(site, scope, arguments),
            { } other => throw site.Fail($"'{Describe(call.Callee)}' is {other.TypeName} and can't be called"),
        };
    }

    private BooleanValue EvaluateTest(TestExpression test, Scope scope)
    {
        JinjaValue operand = Evaluate(test.Operand, scope);
        CallArguments arguments = EvaluateArguments(test.Arguments, scope);
        return BooleanValue.Of(Tests.Apply(At(test.Position), test.Name, operand, arguments) != test.IsNegated);
    }

    private JinjaValue ApplyFilter(FilterUse use, JinjaValue operand, Scope scope)
    {
        CallArguments arguments = EvaluateArguments(use.Arguments, scope) with { HasParentheses = use.HasParentheses };
        return Filters.Apply(At(use.Position), use.Name, operand, arguments);
    }

    private JinjaValue EvaluateSlice(SliceExpression slice, Scope scope)
    {
        CallSite site = At(slice.Position);
        JinjaValue target = Evaluate(slice.Target, scope);
        return Members.Slice(
            site, target, EvaluateBound(slice.Start, scope), EvaluateBound(slice.Stop, scope), EvaluateBound(slice.Step, scope));
    }

    private long? EvaluateBound(Expression? bound, Scope scope) => bound is null ? null : Evaluate(bound, scope) switch
    {
        IntegerValue number => number.Value,
        UndefinedValue or NoneValue => null,
        { } other => throw At(bound.Position).Fail($"A slice needs integers, not {other.TypeName}"),
    };

    private ListValue EvaluateList(ListExpression list, Scope scope)
    {
        Budget.AllocateItems(At(list.Position), list.Items.Count);
        return new ListValue([.. list.Items.Select(item => Evaluate(item, scope))], list.IsTuple);
    }

    private DictValue EvaluateDict(DictExpression dict, Scope scope)
    {
        Budget.AllocateItems(At(dict.Position), 4 * dict.Entries.Count);
        OrderedDictionary<string, JinjaValue> entries = new(dict.Entries.Count);
        foreach ((Expression key, Expression value) in dict.Entries)
        {
            entries[Evaluate(key, scope) switch
            {
                StringValue text => text.Text,
                { } other => throw At(key.Position).Fail($"The key of a dict must be a string, not {other.TypeName}"),
            }] = Evaluate(value, scope);
        }

        return new DictValue(entries);
    }

    /// <summary>As in Python, everything positional is evaluated before anything named.</summary>
    private CallArguments EvaluateArguments(ArgumentList list, Scope scope)
    {
        if (list.Items.Count == 0)
        {
            return new CallArguments([]);
        }

        List<JinjaValue> positional = [];
        foreach (Argument argument in list.Items)
        {
            if (argument.Kind == ArgumentKind.Positional)
            {
                positional.Add(Evaluate(argument.Value, scope));
            }
            else if (argument.Kind == ArgumentKind.Spread)
            {
                JinjaValue spread = Evaluate(argument.Value, scope);
                CallSite site = At(argument.Value.Position);
                IReadOnlyList<JinjaValue> items = spread is ListValue values ? values.Items : throw site.Fail($"A {spread.TypeName} can't be unpacked with '*'");
                Budget.AllocateItems(site, items.Count);
                positional.AddRange(items);
            }
        }

        OrderedDictionary<string, JinjaValue>? named = null;
        foreach (Argument argument in list.Items)
        {
            if (argument.Kind == ArgumentKind.Named)
            {
                AddNamed(argument, argument.Name!, Evaluate(argument.Value, scope), ref named);
            }
            else if (argument.Kind == ArgumentKind.NamedSpread)
            {
                JinjaValue spread = Evaluate(argument.Value, scope);
                CallSite site = At(argument.Value.Position);
                DictValue dict = spread as DictValue ?? throw site.Fail($"A {spread.TypeName} can't be unpacked with '**'");
                Budget.AllocateItems(site, 4L * dict.Entries.Count);
                foreach ((string name, JinjaValue value) in dict.Entries)
                {
                    AddNamed(argument, name, value, ref named);
                }
            }
        }

        return new CallArguments(positional, named);
    }

    private void AddNamed(Argument argument, string name, JinjaValue value, ref OrderedDictionary<string, JinjaValue>? named)
    {
        named ??= [];
        if (!named.TryAdd(name, value))
        {
            throw At(argument.Value.Position).Fail($"The argument '{name}' is given twice");
        }
    }

    /// <summary>An expression as messages name it.</summary>
    private static string Describe(Expression expression) => expression switch
    {
        NameExpression name => name.Name,
        MemberExpression { Key: Literal { Value: StringValue key }, Target: var target } when target.Height < 20 => $"{Describe(target)}.{key.Text}",
        _ => "the expression",
    };
}
