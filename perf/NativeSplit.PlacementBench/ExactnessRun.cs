using NativeSplit.Placement;
using NativeSplit.Placement.Problems;
using NativeSplit.Placement.Tests;

namespace NativeSplit.PlacementBench;

/// <summary>The long form of the tests against brute force.</summary>
internal static class ExactnessRun
{
    /// <summary>Compares so many problems; gives the number of mismatches.</summary>
    public static int Run(int count, TextWriter output)
    {
        int mismatches = 0, placed = 0, infeasible = 0;
        for (int seed = 0; seed < count; seed++)
        {
            PlacementProblem problem = seed % 4 == 3 ? RandomProblems.MakeStrained(seed) : RandomProblems.Make(seed);
            long? optimum = BruteForce.Optimum(problem);
            bool isRight = PlacementSolver.Solve(problem, new SolveBudget()) switch
            {
                PlacementResult.Placed { IsProvenOptimal: true } answer => answer.Cost.Total == optimum,
                PlacementResult.Infeasible => optimum is null,
                _ => false,
            };
            placed += optimum is null ? 0 : 1;
            infeasible += optimum is null ? 1 : 0;
            if (!isRight)
            {
                mismatches++;
                output.WriteLine($"Seed {seed}: brute force says {optimum?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "no plan"}, the solver doesn't.");
            }
        }

        output.WriteLine($"{count} problems, {placed} with a plan, {infeasible} without: {mismatches} mismatches.");
        return mismatches;
    }
}
