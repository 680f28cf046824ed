using NativeSplit.Placement;

namespace NativeSplit.Cluster.Plans;

/// <summary>A signed plan as a store keeps it.</summary>
/// <param name="Term">Term of the leader that added it.</param>
/// <param name="Epoch">Its epoch.</param>
/// <param name="Signed">The plan, signed.</param>
public sealed record StoredPlan(ulong Term, PlanEpoch Epoch, ReadOnlyMemory<byte> Signed);

/// <summary>The right to add plans to a store.</summary>
/// <param name="Term">Its number, higher than that of any leader before.</param>
/// <param name="Lost">Ends when another may lead: what is added from then on is refused.</param>
public sealed record Leadership(ulong Term, Task Lost);

/// <summary>Keeps the signed plans of a cluster in order, and lets one leader at a time add to them.</summary>
/// <remarks>
/// A plan is kept, or refused, in one step with the check of the term: a leader that was taken over while it slept can add nothing. What was kept
/// outlives the processes.
/// </remarks>
public interface IPlanStore : IAsyncDisposable
{
    /// <summary>Waits until there is no leader, and becomes it. A leader that disposes its store, or whose process ends, makes room.</summary>
    /// <param name="candidate">Name of who would lead, for people.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="ClusterException"><see cref="ClusterFault.BadPlanStore"/>, or <see cref="ClusterFault.PlanStoreUnavailable"/> when waiting can't help.</exception>
    Task<Leadership> CampaignAsync(string candidate, CancellationToken cancellationToken);

    /// <summary>Adds a plan.</summary>
    /// <param name="plan">The plan; its epoch is higher than that of the latest.</param>
    /// <param name="cancellationToken">Ends the wait; the plan may then be kept or not.</param>
    /// <exception cref="ClusterException">
    /// <see cref="ClusterFault.Superseded"/>: its term isn't the leader's, or its epoch isn't new. <see cref="ClusterFault.PlanStoreUnavailable"/>: it couldn't be kept.
    /// </exception>
    Task AppendAsync(StoredPlan plan, CancellationToken cancellationToken);

    /// <summary>The plan added last; null when there is none.</summary>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="ClusterException"><see cref="ClusterFault.BadPlanStore"/> or <see cref="ClusterFault.PlanStoreUnavailable"/>.</exception>
    Task<StoredPlan?> ReadLatestAsync(CancellationToken cancellationToken);

    /// <summary>Gives the plans after an epoch in order, those kept and then those to come, without a gap. Never ends by itself.</summary>
    /// <param name="after">Epoch known already; 0: from the oldest that is kept.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="ClusterException"><see cref="ClusterFault.BadPlanStore"/>. A store that is away is waited for.</exception>
    IAsyncEnumerable<StoredPlan> WatchAsync(PlanEpoch after, CancellationToken cancellationToken);
}
