using NativeSplit.Placement;

namespace NativeSplit.Cluster.Routes;

/// <summary>A plan in force or being prepared. Every time that a plan is put in force it gets an epoch of its own, higher than any before.</summary>
/// <param name="Epoch">The epoch, on the wire.</param>
/// <param name="Plan">The plan.</param>
/// <param name="Rank">Its place in the order of preference; <see cref="Withdrawn"/> when it isn't wanted any more.</param>
internal sealed record EpochPlan(PlanEpoch Epoch, Plan Plan, int Rank)
{
    /// <summary>Rank of a plan in force that newer plans don't contain: any of them is better.</summary>
    public const int Withdrawn = int.MaxValue;

    /// <summary>Whether the plan gives a stage to a node.</summary>
    public bool Gives(int stage, NodeId node) => stage >= 0 && stage < Plan.Segments.Count && Plan.Segments[stage].Node == node;
}
