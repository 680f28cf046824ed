namespace NativeSplit.Placement.Solving;

/// <summary>A beginning of a plan: a chain of segments up to a boundary, with what it has used up.</summary>
internal sealed class Label
{
    public required int Node { get; init; }

    public required int Start { get; init; }

    public required int End { get; init; }

    public required Label? Parent { get; init; }

    /// <summary>Φ so far in 1e-5, without SLO misses, the way back, and what embedding and head cost.</summary>
    public required long Cost { get; init; }

    /// <summary>Scaled cost so far at the multipliers' prices.</summary>
    public required long Priced { get; init; }

    /// <summary>No plan that begins so costs less, in 1e-5.</summary>
    public required long Bound { get; init; }

    /// <summary>Tracked nodes used, as the relaxation's mask.</summary>
    public required int Mask { get; init; }

    /// <summary>Nodes that may take no further segment.</summary>
    public required UInt128 Full { get; init; }

    /// <summary>Nodes that hold one segment and may take another.</summary>
    public required UInt128 Open { get; init; }

    /// <summary>Order of making, which breaks ties.</summary>
    public required long Number { get; init; }

    /// <summary>Times so far per quantity, in µs.</summary>
    public required long[] Times { get; init; }

}
