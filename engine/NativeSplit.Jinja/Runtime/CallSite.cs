namespace NativeSplit.Jinja.Runtime;

/// <summary>A place in the template while it runs: what a filter, test or function needs besides its operands.</summary>
/// <param name="Evaluator">The rendering.</param>
/// <param name="Position">The place.</param>
internal readonly record struct CallSite(Evaluator Evaluator, int Position)
{
    public Budget Budget => Evaluator.Budget;

    /// <summary>The template failed on its values.</summary>
    public JinjaException Fail(string detail) => Evaluator.Error(JinjaFault.Runtime, Position, detail);

    /// <summary>A bound is reached.</summary>
    public JinjaException Limit(string detail) => Evaluator.Error(JinjaFault.LimitExceeded, Position, detail);

    /// <summary>A string made now; counts it.</summary>
    public StringValue Text(string text)
    {
        Budget.Allocate(this, text.Length);
        return new StringValue(text);
    }

    /// <summary>A list made now; counts it.</summary>
    public ListValue List(IReadOnlyList<JinjaValue> items)
    {
        Budget.AllocateItems(this, items.Count);
        return new ListValue(items);
    }
}
