namespace NativeSplit.Cluster;

/// <summary>Why something between the nodes of a cluster failed.</summary>
public enum ClusterFault
{
    /// <summary>A join token is malformed, unknown, used, or too old.</summary>
    BadToken,

    /// <summary>A node isn't who it must be, or may not do what it asked for.</summary>
    NotAllowed,

    /// <summary>An identity on disk can't be read, or isn't valid any more.</summary>
    BadIdentity,

    /// <summary>A message breaks the grammar, or comes at the wrong time.</summary>
    Protocol,

    /// <summary>A node refused its part of the plan.</summary>
    StageRefused,

    /// <summary>A node is gone or doesn't answer.</summary>
    NodeLost,

    /// <summary>A backend can't do it, now or later.</summary>
    Unsupported,

    /// <summary>Something in a weight registry is missing, damaged or altered, or it can't be written.</summary>
    BadRegistry,

    /// <summary>A signed plan is forged, old, or another cluster's.</summary>
    PlanRefused,

    /// <summary>Another leader has taken over: this one's plans don't count any more.</summary>
    Superseded,

    /// <summary>The store of plans is damaged.</summary>
    BadPlanStore,

    /// <summary>The store of plans can't be reached or written now. Trying again later may help.</summary>
    PlanStoreUnavailable,
}

/// <summary>Something between the nodes of a cluster failed. The message says what, with which node, and how to mend it.</summary>
public sealed class ClusterException : Exception
{
    /// <summary>Makes the exception.</summary>
    public ClusterException(ClusterFault fault, string message, Exception? inner = null)
        : base(message, inner) => Fault = fault;

    /// <summary>Why.</summary>
    public ClusterFault Fault { get; }
}
