namespace NativeSplit.Jinja.Runtime;

/// <summary>Evaluated arguments of a call.</summary>
/// <param name="Positional">In order.</param>
/// <param name="Named">By name; null for none.</param>
/// <param name="HasParentheses">For a filter: whether arguments were given, if only <c>()</c>.</param>
internal readonly record struct CallArguments(
    IReadOnlyList<JinjaValue> Positional, OrderedDictionary<string, JinjaValue>? Named = null, bool HasParentheses = true)
{
    public static CallArguments None { get; } = new([], null, false);

    public bool IsEmpty => Positional.Count == 0 && Named is null or { Count: 0 };

    /// <summary>The argument at a place or with a name; null if it isn't given.</summary>
    public JinjaValue? Find(int index, string name) =>
        index >= 0 && index < Positional.Count ? Positional[index]
        : Named is not null && Named.TryGetValue(name, out JinjaValue? value) ? value
        : null;

    /// <summary>The same without the first positional argument.</summary>
    public CallArguments Skip(int count) => this with { Positional = [.. Positional.Skip(count)] };

    public JinjaValue Require(CallSite site, int index, string name) =>
        Find(index, name) ?? throw site.Fail($"The argument '{name}' is missing");

    public bool Flag(CallSite site, int index, string name) => Find(index, name) switch
    {
        null => false,
        BooleanValue flag => flag.Value,
        { } other => throw site.Fail($"'{name}' must be a boolean, not {other.TypeName}"),
    };

    public string Text(CallSite site, int index, string name, string fallback) => Find(index, name) switch
    {
        null => fallback,
        StringValue text => text.Text,
        { } other => throw site.Fail($"'{name}' must be a string, not {other.TypeName}"),
    };

    public long Integer(CallSite site, int index, string name, long fallback) => Find(index, name) switch
    {
        null => fallback,
        IntegerValue number => number.Value,
        { } other => throw site.Fail($"'{name}' must be an integer, not {other.TypeName}"),
    };
}
