using NativeSplit.Placement.Certifying;

namespace NativeSplit.Placement.Deciding;

/// <summary>When a plan in force is left for a better one.</summary>
public sealed record PolicyOptions
{
    /// <summary>δ: share of Φ by which another plan must be better, in 1e-6.</summary>
    public int Delta { get; init; } = 50_000;

    /// <summary>Least time between two changes that no hard violation forces.</summary>
    public TimeSpan Dwell { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Time after a change in which a node whose layers changed takes no new one, unless a hard violation leaves no other way.</summary>
    public TimeSpan NodeCoolDown { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Budget of each of the searches of a decision.</summary>
    public SolveBudget Budget { get; init; } = new();
}

/// <summary>What the policy remembers between cycles. Immutable; its size is bounded by the numbers of nodes and classes.</summary>
public sealed record PolicyState
{
    /// <summary>Nothing has happened yet.</summary>
    public static PolicyState Initial { get; } = new();

    /// <summary>Time of the last change on the caller's clock; null before the first.</summary>
    public TimeSpan? LastChange { get; init; }

    /// <summary>Multipliers of the last search, from which the next starts; null before the first. Most cycles need no more than their bound at the new facts.</summary>
    public DualEvidence? Prices { get; init; }

    /// <summary>Until when each node takes no new layer; nodes without a time aren't listed.</summary>
    public IReadOnlyDictionary<NodeId, TimeSpan> CoolUntil { get; init; } = new Dictionary<NodeId, TimeSpan>();
}
