using System.Collections.Frozen;

namespace NativeSplit.Jinja.Builtins;

/// <summary>What may follow <c>is</c>.</summary>
internal static class Tests
{
    private delegate bool TestBody(CallSite site, JinjaValue operand, CallArguments arguments);

    private static readonly FrozenDictionary<string, (bool TakesArgument, TestBody Body)> Known = new Dictionary<string, (bool, TestBody)>
    {
        ["defined"] = (false, (_, operand, _) => operand is not UndefinedValue),
        ["undefined"] = (false, (_, operand, _) => operand is UndefinedValue),
        ["none"] = (false, (_, operand, _) => operand is NoneValue),
        ["boolean"] = (false, (_, operand, _) => operand is BooleanValue),
        ["true"] = (false, (_, operand, _) => operand is BooleanValue { Value: true }),
        ["false"] = (false, (_, operand, _) => operand is BooleanValue { Value: false }),
        ["string"] = (false, (_, operand, _) => operand is StringValue),
        ["number"] = (false, (_, operand, _) => operand is IntegerValue or FloatValue),
        ["integer"] = (false, (_, operand, _) => operand is IntegerValue),
        ["float"] = (false, (_, operand, _) => operand is FloatValue),
        ["callable"] = (false, (_, operand, _) => operand is FunctionValue),
        ["mapping"] = (false, (_, operand, _) => operand is DictValue),
        ["iterable"] = (false, (_, operand, _) => operand is StringValue or ListValue { IsTuple: false }),
        ["sequence"] = (false, (_, operand, _) => operand is StringValue or ListValue or DictValue),
        ["odd"] = (false, (site, operand, _) => NumberOf(site, operand) % 2 is 1 or -1),
        ["even"] = (false, (site, operand, _) => NumberOf(site, operand) % 2 == 0),
        ["lower"] = (false, (site, operand, _) => operand is StringValue text && text.Text == TextCase.ToLower(Scan(site, text))),
        ["upper"] = (false, (site, operand, _) => operand is StringValue text && text.Text == TextCase.ToUpper(Scan(site, text))),
        ["divisibleby"] = (true, (site, operand, arguments) => Operators.Apply(site, BinaryOperator.Remainder, operand, Other(site, arguments)) is IntegerValue { Value: 0 }),
        ["in"] = (true, Compare(BinaryOperator.In)),
        ["eq"] = (true, (site, operand, arguments) => Comparisons.StrictlyEqual(site, operand, Other(site, arguments))),
        ["equalto"] = (true, (site, operand, arguments) => Comparisons.StrictlyEqual(site, operand, Other(site, arguments))),
        ["ne"] = (true, (site, operand, arguments) => !Comparisons.StrictlyEqual(site, operand, Other(site, arguments))),
        ["sameas"] = (true, (_, operand, arguments) => operand.GetType() == arguments.Find(0, "other")?.GetType() && IsSame(operand, arguments.Find(0, "other")!)),
        ["lt"] = (true, Compare(BinaryOperator.Less)),
        ["lessthan"] = (true, Compare(BinaryOperator.Less)),
        ["le"] = (true, Compare(BinaryOperator.LessOrEqual)),
        ["gt"] = (true, Compare(BinaryOperator.Greater)),
        ["greaterthan"] = (true, Compare(BinaryOperator.Greater)),
        ["ge"] = (true, Compare(BinaryOperator.GreaterOrEqual)),
    }.ToFrozenDictionary();

    /// <summary>Whether there is such a test.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="takesArgument">Whether an argument must follow it.</param>
    public static bool TryGet(string name, out bool takesArgument)
    {
        bool known = Known.TryGetValue(name, out (bool TakesArgument, TestBody Body) test);
        takesArgument = test.TakesArgument;
        return known;
    }

    /// <summary>Whether a value passes a test.</summary>
    public static bool Apply(CallSite site, string name, JinjaValue operand, CallArguments arguments) =>
        Known.TryGetValue(name, out (bool TakesArgument, TestBody Body) test)
            ? test.Body(site, operand, arguments)
            : throw site.Evaluator.Error(JinjaFault.Unsupported, site.Position, $"The test '{name}' isn't supported");

    private static TestBody Compare(BinaryOperator operation) =>
        (site, operand, arguments) => Operators.Apply(site, operation, operand, Other(site, arguments)).IsTrue;

    private static JinjaValue Other(CallSite site, CallArguments arguments) => arguments.Require(site, 0, "other");

    private static string Scan(CallSite site, StringValue text)
    {
        site.Budget.Allocate(site, text.Text.Length);
        return text.Text;
    }

    private static decimal NumberOf(CallSite site, JinjaValue operand) => operand switch
    {
        IntegerValue number => number.Value,
        FloatValue { Value: > -1e15 and < 1e15 } number => (decimal)number.Value,
        _ => throw site.Fail($"A {operand.TypeName} is neither odd nor even"),
    };

    private static bool IsSame(JinjaValue a, JinjaValue b) => (a, b) switch
    {
        (IntegerValue x, IntegerValue y) => x.Value == y.Value,
        _ => ReferenceEquals(a, b),
    };
}
