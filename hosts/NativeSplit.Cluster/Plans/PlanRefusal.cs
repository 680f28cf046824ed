namespace NativeSplit.Cluster.Plans;

/// <summary>Why a node doesn't take a signed plan in.</summary>
public enum PlanRefusal
{
    /// <summary>It isn't a signed plan, or not one that this release reads.</summary>
    Malformed,

    /// <summary>No orchestrator that this cluster's authority delegated to has signed it, or it was altered.</summary>
    WrongKey,

    /// <summary>It is another cluster's.</summary>
    ForeignCluster,

    /// <summary>It was taken in before.</summary>
    Replayed,

    /// <summary>A later one was taken in before, or one of a later leader.</summary>
    RolledBack,

    /// <summary>Another plan of the same epoch was taken in before, or another one preceded it.</summary>
    Forked,

    /// <summary>It is too old, or from the future: one of two clocks is wrong.</summary>
    Expired,

    /// <summary>That it was seen couldn't be kept, so that it might be replayed later.</summary>
    NotKept,
}

/// <summary>A signed plan isn't taken in; becomes a <see cref="ClusterException"/> once it is counted.</summary>
internal sealed class PlanRefusedException(PlanRefusal refusal, string reason) : Exception(reason)
{
    public PlanRefusal Refusal { get; } = refusal;
}
