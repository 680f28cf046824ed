using NativeSplit.Placement;

namespace NativeSplit.Cluster.Plans;

/// <summary>Which plan may follow which, in every store.</summary>
public static class PlanOrder
{
    /// <summary>Refuses a plan that a store may not take.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="term">Term of the leader of now.</param>
    /// <param name="latest">Epoch of the latest plan; 0: none.</param>
    /// <exception cref="ClusterException"><see cref="ClusterFault.Superseded"/>: another leads, or the epoch isn't new.</exception>
    public static void ThrowIfStale(StoredPlan plan, ulong term, PlanEpoch latest)
    {
        ArgumentNullException.ThrowIfNull(plan);
        if (plan.Term != term)
        {
            throw new ClusterException(ClusterFault.Superseded, $"Plan {plan.Epoch} is of term {plan.Term}, but the leader's term is {term}: another gateway has taken over.");
        }

        if (plan.Epoch <= latest)
        {
            throw new ClusterException(ClusterFault.Superseded, $"Plan {plan.Epoch} isn't new: plan {latest} was added before.");
        }
    }
}
