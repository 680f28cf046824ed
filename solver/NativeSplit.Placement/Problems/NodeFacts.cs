namespace NativeSplit.Placement.Problems;

/// <summary>What the solver must know of one node. Times are measured ones, under the load that the node has anyway.</summary>
public sealed record NodeFacts
{
    /// <summary>Name.</summary>
    public required NodeId Id { get; init; }

    /// <summary>True when the node may see what the gateway sees.</summary>
    public required bool IsTrusted { get; init; }

    /// <summary>Bytes that weights and KV cache may take.</summary>
    public required long FreeMemoryBytes { get; init; }

    /// <summary>Time of one row of a prompt through one layer, in ns.</summary>
    public required long PrefillNanosecondsPerRow { get; init; }

    /// <summary>Time of one decode step through one layer, in ns.</summary>
    public required long DecodeNanosecondsPerStep { get; init; }

    /// <summary>Utilisation by other work, in 1e-6 of the node.</summary>
    public int BaseLoad { get; init; }

    /// <summary>False while the node drains or cools down: it may keep layers of the plan in force and takes no other.</summary>
    public bool AcceptsLayers { get; init; } = true;
}

/// <summary>A directed link. A pair without one can't talk.</summary>
/// <param name="From">Sender.</param>
/// <param name="To">Receiver.</param>
/// <param name="LatencyMicroseconds">One-way delay of an empty message, in µs.</param>
/// <param name="BytesPerSecond">Rate.</param>
public sealed record LinkFacts(NodeId From, NodeId To, long LatencyMicroseconds, long BytesPerSecond);
