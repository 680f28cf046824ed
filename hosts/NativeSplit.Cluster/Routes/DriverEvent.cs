using NativeSplit.Cluster.Links;
using NativeSplit.Cluster.Messages;
using NativeSplit.Placement;

namespace NativeSplit.Cluster.Routes;

/// <summary>What the driver's loop is told: a worker said hello, a worker is lost, or the plans have changed.</summary>
/// <param name="Connection">Link of the worker.</param>
/// <param name="Hello">Its hello.</param>
/// <param name="Cause">Why it is lost.</param>
/// <param name="Proposal">New plans.</param>
internal sealed record DriverEvent(PeerConnection? Connection, NodeHello? Hello = null, ClusterException? Cause = null, Proposal? Proposal = null);

/// <summary>Plans that somebody wants in force, in order of preference.</summary>
/// <param name="Plans">The plans, at least one.</param>
internal sealed record Proposal(IReadOnlyList<Plan> Plans)
{
    /// <summary>Ends with the first of them that is in force; faults when all are refused; cancelled when others replace them.</summary>
    public TaskCompletionSource Outcome { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
}
