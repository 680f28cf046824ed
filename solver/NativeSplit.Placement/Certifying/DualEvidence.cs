namespace NativeSplit.Placement.Certifying;

/// <summary>Prices of what couples the segments on a node, in 1/<see cref="DualEvidence.Scale"/> of 1e-5 of Φ.</summary>
/// <param name="Memory">Per memory unit.</param>
/// <param name="Load">Per 1e-6 of utilisation.</param>
/// <param name="Segments">Per segment.</param>
public readonly record struct NodePrices(long Memory, long Load, long Segments);

/// <summary>Lagrange multipliers, and the lower bound that they give. Any multipliers from zero up give a valid one (weak duality), so this can be checked by whoever doubts it.</summary>
public sealed record DualEvidence
{
    /// <summary>Fractions of 1e-5 of Φ that prices count in.</summary>
    public const long Scale = 1 << 14;

    /// <summary>Prices of each node, in the problem's order.</summary>
    public required IReadOnlyList<NodePrices> Nodes { get; init; }

    /// <summary>Price per µs of each time with an SLO: of class r the TTFT at 2r, the TPOT at 2r+1. At most the price of a µs past the SLO.</summary>
    public required IReadOnlyList<long> Times { get; init; }

    /// <summary>For each node, the nodes whose use is still known to a chain that is there, by index; a trusted node may know itself.</summary>
    /// <remarks>A chain doesn't come back to a node that it knows to be full. How much it knows: <c>docs/placement.md</c>, "Search".</remarks>
    public required IReadOnlyList<IReadOnlyList<int>> Remembered { get; init; }

    /// <summary>Bits of the level at which a trusted node is known, 2 to 7: with b bits, 2^b − 2 parts of its memory are told apart.</summary>
    public required int LevelBits { get; init; }

    /// <summary>Bytes per memory unit. Needs of a segment are rounded down to units, as limits are.</summary>
    public required long MemoryUnitBytes { get; init; }

    /// <summary>No plan costs less, in 1e-5.</summary>
    public required long Bound { get; init; }
}
