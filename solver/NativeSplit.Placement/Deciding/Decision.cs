using NativeSplit.Placement.Certifying;
using NativeSplit.Placement.Costs;

namespace NativeSplit.Placement.Deciding;

/// <summary>What to do with the plan in force.</summary>
public enum DecisionKind
{
    /// <summary>Leave it.</summary>
    Keep,

    /// <summary>Other nodes, same borders.</summary>
    Redistribute,

    /// <summary>Other borders.</summary>
    Resplit,

    /// <summary>The plan in force breaks a hard rule, and no plan was found that keeps them.</summary>
    Stuck,
}

/// <summary>Why.</summary>
public enum DecisionCause
{
    /// <summary>No plan is better by δ; proven.</summary>
    NothingBetter,

    /// <summary>The search ended before it found a plan better by δ, or proved that there is none.</summary>
    NothingFound,

    /// <summary>A better plan may exist, but the last change is too young.</summary>
    Dwell,

    /// <summary>A plan better by δ was found.</summary>
    Better,

    /// <summary>The plan in force breaks a hard rule.</summary>
    HardViolation,
}

/// <summary>What the policy decided, with everything an operator or a log wants to know.</summary>
public sealed record Decision
{
    /// <summary>What to do.</summary>
    public required DecisionKind Kind { get; init; }

    /// <summary>Why.</summary>
    public required DecisionCause Cause { get; init; }

    /// <summary>The plan to have in force now: a new one with the next epoch, or the one that is kept.</summary>
    public required Plan Plan { get; init; }

    /// <summary>Φ of <see cref="Plan"/> by terms, migration to it included; null when it breaks a hard rule.</summary>
    public required CostBreakdown? Cost { get; init; }

    /// <summary>Φ of the plan that was in force; null when it breaks a hard rule.</summary>
    public required CostBreakdown? CurrentCost { get; init; }

    /// <summary>No plan costs less, in 1e-5; 0 when nothing was searched.</summary>
    public required long LowerBound { get; init; }

    /// <summary>Share of Φ by which a better plan may still exist, in 1e-6.</summary>
    public required long Gap { get; init; }

    /// <summary>Who proved <see cref="LowerBound"/>.</summary>
    public required Certifier CertifiedBy { get; init; }

    /// <summary>Hard rules that the plan in force breaks, or, when stuck, why no plan exists.</summary>
    public required IReadOnlyList<string> Faults { get; init; }

    /// <summary>What the plan can't have more of; empty when it breaks a rule.</summary>
    public required IReadOnlyList<string> BindingConstraints { get; init; }

    /// <summary>Weights and KV bytes that change their node.</summary>
    public required long BytesToMove { get; init; }

    /// <summary>Time after which the move has paid back what it costs; null when nothing moves or the move was forced.</summary>
    public required TimeSpan? PayBack { get; init; }
}
