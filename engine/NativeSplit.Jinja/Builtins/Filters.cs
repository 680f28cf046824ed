using System.Collections.Frozen;

namespace NativeSplit.Jinja.Builtins;

/// <summary>Filters by name.</summary>
internal static class Filters
{
    /// <summary>Applies a filter.</summary>
    internal delegate JinjaValue FilterBody(CallSite site, JinjaValue operand, CallArguments arguments);

    private static readonly FrozenDictionary<string, FilterBody> Known = new[]
    {
        ValueFilters.All, TextFilters.All, SequenceFilters.All, SelectionFilters.All,
    }.SelectMany(family => family).ToFrozenDictionary();

    /// <summary>Whether there is such a filter.</summary>
    public static bool IsKnown(string name) => Known.ContainsKey(name);

    /// <summary>Applies a filter to a value.</summary>
    public static JinjaValue Apply(CallSite site, string name, JinjaValue operand, CallArguments arguments) =>
        Known.TryGetValue(name, out FilterBody? filter)
            ? filter(site, operand, arguments)
            : throw site.Evaluator.Error(JinjaFault.Unsupported, site.Position, $"The filter '{name}' isn't supported");
}
