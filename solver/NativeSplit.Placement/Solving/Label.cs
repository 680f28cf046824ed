namespace NativeSplit.Placement.Solving;

/// <summary>A beginning of a plan: a chain of segments up to a boundary, with what it has used up. Or several of them merged into what they have in common.</summary>
internal struct Label
{
    /// <summary>Node of the last segment.</summary>
    public int Node;

    /// <summary>Where the last segment starts.</summary>
    public int Start;

    /// <summary>Place of the beginning before the last segment among the labels kept at <see cref="Start"/>; -1 for none.</summary>
    public int Parent;

    /// <summary>What the relaxation remembers, as its mask at the node.</summary>
    public int Mask;

    /// <summary>True when this stands for several beginnings, each of which costs and takes at least as much.</summary>
    public bool IsMerged;

    /// <summary>Φ so far in 1e-5, without SLO misses, the way back, and what embedding and head cost.</summary>
    public long Cost;

    /// <summary>Scaled cost so far at the multipliers' prices.</summary>
    public long Priced;

    /// <summary>No plan that begins so costs less, in 1e-5.</summary>
    public long Bound;

    /// <summary>Nodes that may take no further segment.</summary>
    public UInt128 Full;

    /// <summary>Nodes that hold one segment and may take another.</summary>
    public UInt128 Open;
}
