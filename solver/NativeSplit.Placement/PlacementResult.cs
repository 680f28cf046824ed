using NativeSplit.Placement.Costs;

namespace NativeSplit.Placement;

/// <summary>Answer of a solver: <see cref="Placed"/>, <see cref="Infeasible"/> or <see cref="OutOfTime"/>.</summary>
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
    }

    /// <summary>No plan keeps the hard rules; proven.</summary>
    /// <param name="Reasons">What is short, in words.</param>
    public sealed record Infeasible(IReadOnlyList<string> Reasons) : PlacementResult;

    /// <summary>The budget ended first.</summary>
    /// <param name="Best">The best plan so far, or null when none was found.</param>
    /// <param name="LowerBound">No plan costs less, in 1e-5.</param>
    public sealed record OutOfTime(Placed? Best, long LowerBound) : PlacementResult;
}
