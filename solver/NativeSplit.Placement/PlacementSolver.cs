using NativeSplit.Model;
using NativeSplit.Placement.Certifying;
using NativeSplit.Placement.Costs;
using NativeSplit.Placement.Problems;
using NativeSplit.Placement.Solving;

namespace NativeSplit.Placement;

/// <summary>Finds the split and the nodes with the least Φ, and proves it.</summary>
/// <remarks>Pure and single-threaded. With a budget in steps alone, equal problems get equal results.</remarks>
public static class PlacementSolver
{
    /// <summary>Solves a problem.</summary>
    /// <param name="problem">The problem.</param>
    /// <param name="budget">How long to search, and how near to the optimum.</param>
    /// <returns>A checked plan with its lower bound; or why there is none; or what was found before the budget ended.</returns>
    /// <exception cref="PlanException"><see cref="PlanFault.ProblemInvalid"/>.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The budget has no steps or a negative gap.</exception>
    public static PlacementResult Solve(PlacementProblem problem, SolveBudget budget)
    {
        ArgumentNullException.ThrowIfNull(budget);
        BudgetMeter meter = new(budget);
        (PlacementResult result, _) = Search(problem, meter);
        return result is PlacementResult.Infeasible ? new PlacementResult.Infeasible(Infeasibility.Explain(problem, meter)) : result;
    }

    /// <summary>Finds the best nodes for the segments of a plan, whose borders stay.</summary>
    /// <param name="problem">The problem.</param>
    /// <param name="plan">The plan with the borders; tiles the layers.</param>
    /// <param name="budget">How long to search, and how near to the optimum.</param>
    /// <returns>As <see cref="Solve"/>, but for plans with these borders alone; an infeasible answer has no reasons.</returns>
    /// <exception cref="PlanException"><see cref="PlanFault.ProblemInvalid"/>.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The budget has no steps or a negative gap.</exception>
    public static PlacementResult Redistribute(PlacementProblem problem, Plan plan, SolveBudget budget)
    {
        ArgumentNullException.ThrowIfNull(plan);
        ArgumentNullException.ThrowIfNull(budget);
        return Search(problem, new BudgetMeter(budget), plan).Result;
    }

    /// <summary>Solves, and tells how. Reasons of an infeasible problem are left out.</summary>
    internal static (PlacementResult Result, SearchOutcome Outcome) Search(PlacementProblem problem, BudgetMeter meter, Plan? borders = null, DualEvidence? warm = null)
    {
        CostModel model = new(problem, borders);
        if (model.Layers.MemoryLimit[model.Origin] < 0 || model.Layers.LoadLimit[model.Origin] < 0)
        {
            return (new PlacementResult.Infeasible([]), new SearchOutcome(true, long.MaxValue, 0, 0));
        }

        SegmentProgram program = new(model, meter, warm);
        SearchOutcome outcome = program.Run();
        PlacementResult.Placed? best = program.Incumbent.Exists
            ? Checked(problem, ToPlan(problem, program.Incumbent.Pieces), program.Incumbent.Cost, outcome.LowerBound) with { Evidence = program.Evidence() }
            : null;
        PlacementResult result = outcome.IsClosed switch
        {
            true when best is null => new PlacementResult.Infeasible([]),
            true => best,
            false => new PlacementResult.OutOfTime(best, outcome.LowerBound),
        };
        return (result, outcome);
    }

    private static Plan ToPlan(PlacementProblem problem, ReadOnlySpan<Piece> pieces)
    {
        var segments = new PlanSegment[pieces.Length];
        for (int i = 0; i < segments.Length; i++)
        {
            segments[i] = new PlanSegment(new LayerRange(pieces[i].Start, pieces[i].End), problem.Nodes[pieces[i].Node].Id);
        }

        return new Plan(new PlanEpoch((problem.Migration?.Current.Epoch.Value ?? 0) + 1), segments);
    }

    // The search isn't trusted: a plan that the checker refuses or prices otherwise must never leave.
    private static PlacementResult.Placed Checked(PlacementProblem problem, Plan plan, long claimed, long bound)
    {
        PlacementVerdict verdict = PlacementChecker.Check(problem, plan);
        return verdict.Cost is { } cost && cost.Total == claimed && bound <= claimed
            ? new PlacementResult.Placed(plan, cost, bound)
            : throw new InvalidOperationException($"The search made a bad plan: cost {claimed}, bound {bound}, checked {verdict.Cost?.Total}. {string.Join(' ', verdict.Faults)}");
    }
}
