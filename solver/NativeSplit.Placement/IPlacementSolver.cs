using NativeSplit.Placement.Problems;

namespace NativeSplit.Placement;

/// <summary>A way to place a model: the exact one, and the simpler ones it is measured against. Pure; safe to share.</summary>
public interface IPlacementSolver
{
    /// <summary>Name, for tables and the command line: lower case, words joined by '-'.</summary>
    string Name { get; }

    /// <summary>Solves a problem.</summary>
    /// <param name="problem">The problem.</param>
    /// <param name="budget">How long to search. Methods that don't search ignore it.</param>
    /// <returns>A plan that passed the checker, or why there is none.</returns>
    /// <exception cref="PlanException"><see cref="PlanFault.ProblemInvalid"/>.</exception>
    PlacementResult Solve(PlacementProblem problem, SolveBudget budget);
}

/// <summary><see cref="PlacementSolver"/> behind the common door.</summary>
public sealed class ExactSolver : IPlacementSolver
{
    /// <inheritdoc/>
    public string Name => "exact";

    /// <inheritdoc/>
    public PlacementResult Solve(PlacementProblem problem, SolveBudget budget) => PlacementSolver.Solve(problem, budget);
}
