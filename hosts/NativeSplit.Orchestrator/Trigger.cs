using NativeSplit.Placement;
using NativeSplit.Placement.Problems;

namespace NativeSplit.Orchestrator;

/// <summary>Why a decision is due.</summary>
public enum TriggerCause
{
    /// <summary>None is.</summary>
    None,

    /// <summary>The first look, or a plan came into force or fell.</summary>
    Plan,

    /// <summary>A node joined or left, or a way between nodes came or went.</summary>
    Membership,

    /// <summary>A node takes another time than at the last decision.</summary>
    Speed,

    /// <summary>A link has another delay or rate than at the last decision.</summary>
    Link,

    /// <summary>A node has another amount of memory than at the last decision.</summary>
    Memory,

    /// <summary>Nothing changed, but the last decision is old: it may have been held back by dwell or cool-down.</summary>
    Age,
}

/// <summary>Tells whether the state of the cluster calls for a decision. Pure.</summary>
public static class Trigger
{
    /// <summary>Share by which a figure must change.</summary>
    private const double Change = 0.2;

    /// <summary>Delay below which a link's changes don't matter, in µs: the scheduler's own noise.</summary>
    private const long DelayNoise = 500;

    /// <summary>Compares the state of the last decision with that of now.</summary>
    /// <param name="last">Problem of the last decision; null when there was none.</param>
    /// <param name="now">Problem of now.</param>
    /// <param name="age">Time since the last decision.</param>
    /// <param name="maxAge">Age at which a decision is due in any case.</param>
    public static TriggerCause Look(PlacementProblem? last, PlacementProblem now, TimeSpan age, TimeSpan maxAge)
    {
        ArgumentNullException.ThrowIfNull(now);
        if (last is null || !SamePlan(last.Migration?.Current, now.Migration?.Current))
        {
            return TriggerCause.Plan;
        }

        if (!last.Nodes.Select(n => (n.Id, n.IsTrusted)).SequenceEqual(now.Nodes.Select(n => (n.Id, n.IsTrusted))) || !last.Links.Select(Ends).SequenceEqual(now.Links.Select(Ends)))
        {
            return TriggerCause.Membership;
        }

        for (int n = 0; n < now.Nodes.Count; n++)
        {
            (NodeFacts was, NodeFacts node) = (last.Nodes[n], now.Nodes[n]);
            if (Differs(was.DecodeNanosecondsPerStep, node.DecodeNanosecondsPerStep) || Differs(was.PrefillNanosecondsPerRow, node.PrefillNanosecondsPerRow))
            {
                return TriggerCause.Speed;
            }

            if (Differs(was.FreeMemoryBytes, node.FreeMemoryBytes))
            {
                return TriggerCause.Memory;
            }
        }

        for (int l = 0; l < now.Links.Count; l++)
        {
            (LinkFacts was, LinkFacts link) = (last.Links[l], now.Links[l]);
            if (Differs(was.LatencyMicroseconds + DelayNoise, link.LatencyMicroseconds + DelayNoise) || Differs(was.BytesPerSecond, link.BytesPerSecond))
            {
                return TriggerCause.Link;
            }
        }

        return age >= maxAge ? TriggerCause.Age : TriggerCause.None;
    }

    private static bool SamePlan(Plan? one, Plan? other) => one is null || other is null ? ReferenceEquals(one, other) : one.Segments.SequenceEqual(other.Segments);

    private static (NodeId, NodeId) Ends(LinkFacts link) => (link.From, link.To);

    private static bool Differs(long was, long now) => Math.Abs(now - was) > Change * Math.Max(was, 1);
}
