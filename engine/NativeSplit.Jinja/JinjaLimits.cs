namespace NativeSplit.Jinja;

/// <summary>
/// Bounds on what one template may cost. A template comes with a model file, so it's untrusted: past a bound it fails
/// with <see cref="JinjaFault.LimitExceeded"/>. The defaults leave published templates several orders of room.
/// </summary>
public sealed record JinjaLimits
{
    /// <summary>The defaults.</summary>
    public static JinjaLimits Default { get; } = new();

    /// <summary>Longest source, in UTF-16 code units.</summary>
    public int MaxSourceLength { get; init; } = 1 << 20;

    /// <summary>Deepest nesting of blocks and expressions in the source.</summary>
    public int MaxNesting { get; init; } = 200;

    /// <summary>Longest rendered text, in UTF-16 code units.</summary>
    public int MaxOutputLength { get; init; } = 16 << 20;

    /// <summary>Memory that one rendering may ask for in strings and lists (freed or not), in UTF-16 code units.</summary>
    public long MaxAllocation { get; init; } = 64L << 20;

    /// <summary>Iterations of all loops of one rendering.</summary>
    public long MaxLoopIterations { get; init; } = 1_000_000;

    /// <summary>Work of one rendering: one unit for each step of the template and for every 16 characters or items a step looks at.</summary>
    public long MaxWork { get; init; } = 20_000_000;

    /// <summary>Deepest nesting of macro calls.</summary>
    public int MaxCallDepth { get; init; } = 64;

    /// <summary>Longest list that <c>range</c> makes.</summary>
    public int MaxRangeLength { get; init; } = 100_000;

    /// <summary>Deepest nesting of values: of the input, and of what is printed.</summary>
    public int MaxValueDepth { get; init; } = 256;
}
