using NativeSplit.Placement.Certifying;
using NativeSplit.Placement.Costs;

namespace NativeSplit.Placement;

/// <summary>Answer of a solver: <see cref="Placed"/>, <see cref="Infeasible"/>, <see cref="OutOfTime"/> or, from a baseline, <see cref="NotPlaced"/>.</summary>
public abstract record PlacementResult
{
    private PlacementResult()
    {
    }

    /// <summary>A plan that passed the checker and is as good as was asked for.</summary>
    /// <param name="Plan">The plan.</param>
    /// <param name="Cost">Φ by terms.</param>
    /// <param name="LowerBound">No plan costs less, in 1e-5.</param>
    public sealed record Placed(Plan Plan, CostBreakdown Cost, long LowerBound) : PlacementResult
    {
        /// <summary>True when no plan is better.</summary>
        public bool IsProvenOptimal => LowerBound == Cost.Total;

        /// <summary>Multipliers behind the bound; null from a method that has none.</summary>
        public DualEvidence? Evidence { get; init; }

        /// <summary>Share of Φ by which a better plan may still exist, in 1e-6, rounded up.</summary>
        public long Gap => Cost.Total == 0 ? 0 : (long)((((Int128)(Cost.Total - LowerBound) * 1_000_000) + Cost.Total - 1) / Cost.Total);
    }

    /// <summary>No plan keeps the hard rules; proven.</summary>
    /// <param name="Reasons">What is short, in words.</param>
    public sealed record Infeasible(IReadOnlyList<string> Reasons) : PlacementResult;

    /// <summary>A method that doesn't search all plans made none that keeps the hard rules. Others may.</summary>
    /// <param name="Reasons">What its plan breaks, in words.</param>
    public sealed record NotPlaced(IReadOnlyList<string> Reasons) : PlacementResult;

    /// <summary>The budget ended first.</summary>
    /// <param name="Best">The best plan so far, or null when none was found.</param>
    /// <param name="LowerBound">No plan costs less, in 1e-5.</param>
    public sealed record OutOfTime(Placed? Best, long LowerBound) : PlacementResult;
}
