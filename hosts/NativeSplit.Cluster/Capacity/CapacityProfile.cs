using NativeSplit.Placement.Problems;

namespace NativeSplit.Cluster.Capacity;

/// <summary>What a node can do, measured by itself with its real executor. Travels in <see cref="Messages.NodeHello"/> and <see cref="Messages.NodeReport"/>.</summary>
public sealed record CapacityProfile
{
    /// <summary>What runs layers there: <c>cpu/avx2</c>.</summary>
    public required string Backend { get; init; }

    /// <summary>Processors that the process may use.</summary>
    public required int Processors { get; init; }

    /// <summary>Bytes that weights and KV cache may take, those already held included.</summary>
    public required long MemoryBytes { get; init; }

    /// <summary>Time of one row of a prompt through one layer, in ns.</summary>
    public required long PrefillNanosecondsPerRow { get; init; }

    /// <summary>Time of one decode step of one sequence through one layer, in ns.</summary>
    public required long DecodeNanosecondsPerStep { get; init; }

    /// <summary>Refuses figures that no node can have: a profile is a claim of a peer.</summary>
    /// <exception cref="ClusterException"><see cref="ClusterFault.Protocol"/>.</exception>
    internal void Judge()
    {
        if (Processors is < 1 or > 65536
            || MemoryBytes is < 0 or > ProblemRules.MaxBytes
            || PrefillNanosecondsPerRow is < 1 or > ProblemRules.MaxTime
            || DecodeNanosecondsPerStep is < 1 or > ProblemRules.MaxTime)
        {
            throw new ClusterException(ClusterFault.Protocol, "A capacity profile has a figure that no node can have.");
        }
    }
}
