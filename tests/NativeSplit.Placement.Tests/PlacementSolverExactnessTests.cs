using NativeSplit.Placement.Problems;

namespace NativeSplit.Placement.Tests;

public sealed class PlacementSolverExactnessTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    public void Solve_EqualsBruteForce_WhenTheProblemIsSmall(int block)
    {
        int placed = 0, infeasible = 0;
        for (int seed = block * 250; seed < (block + 1) * 250; seed++)
        {
            PlacementProblem problem = RandomProblems.Make(seed);
            long? optimum = BruteForce.Optimum(problem);
            switch (PlacementSolver.Solve(problem, new SolveBudget()))
            {
                case PlacementResult.Placed answer:
                    placed++;
                    Assert.True(answer.Cost.Total == optimum, $"Seed {seed}: Φ is {answer.Cost.Total}, brute force says {optimum}.");
                    Assert.True(answer.IsProvenOptimal, $"Seed {seed}: the bound is {answer.LowerBound}, Φ {answer.Cost.Total}.");
                    break;
                case PlacementResult.Infeasible:
                    infeasible++;
                    Assert.True(optimum is null, $"Seed {seed}: called infeasible, brute force says {optimum}.");
                    break;
                default:
                    Assert.Fail($"Seed {seed}: out of time.");
                    break;
            }
        }

        // Both outcomes are common, or the problems test only half.
        Assert.InRange(placed, 100, 240);
        Assert.InRange(infeasible, 10, 150);
    }

    [Fact]
    public void Solve_EqualsBruteForce_WhenTheTermsPullApart()
    {
        for (int seed = 0; seed < 300; seed++)
        {
            PlacementProblem problem = RandomProblems.MakeStrained(seed);
            long? found = PlacementSolver.Solve(problem, new SolveBudget()) switch
            {
                PlacementResult.Placed { IsProvenOptimal: true } answer => answer.Cost.Total,
                PlacementResult.Infeasible => null,
                _ => -1,
            };
            long? optimum = BruteForce.Optimum(problem);
            Assert.True(found == optimum, $"Seed {seed}: Φ is {found}, brute force says {optimum}.");
        }
    }

    [Fact]
    public void Solve_KeepsTheOptimumBetweenItsBounds_WhenTheBudgetIsShort()
    {
        int unfinished = 0;
        for (int seed = 0; seed < 300; seed++)
        {
            PlacementProblem problem = RandomProblems.Make(seed);
            if (BruteForce.Optimum(problem) is not { } optimum)
            {
                continue;
            }

            PlacementResult result = PlacementSolver.Solve(problem, new SolveBudget { Steps = 1 + seed });
            Assert.False(result is PlacementResult.Infeasible, $"Seed {seed}: called infeasible, brute force says {optimum}.");
            (PlacementResult.Placed? best, long bound) = result switch
            {
                PlacementResult.OutOfTime late => (late.Best, late.LowerBound),
                PlacementResult.Placed answer => (answer, answer.LowerBound),
                _ => (null, 0L),
            };
            unfinished += result is PlacementResult.OutOfTime ? 1 : 0;
            Assert.True(bound <= optimum, $"Seed {seed}: lower bound {bound} above the optimum {optimum}.");
            Assert.True(best is null || best.Cost.Total >= optimum, $"Seed {seed}: Φ {best?.Cost.Total} below the optimum {optimum}.");
        }

        Assert.True(unfinished > 20, $"Only {unfinished} runs were cut short.");
    }

    [Fact]
    public void Solve_ReturnsTheSame_WhenRunTwice()
    {
        for (int seed = 0; seed < 50; seed++)
        {
            string first = Text(PlacementSolver.Solve(RandomProblems.Make(seed), new SolveBudget { Steps = 2000 }));
            Assert.Equal(first, Text(PlacementSolver.Solve(RandomProblems.Make(seed), new SolveBudget { Steps = 2000 })));
        }
    }

    private static string Text(PlacementResult result) => result switch
    {
        PlacementResult.Placed answer => $"{PlanDocument.Format(answer.Plan)} {answer.Cost} {answer.LowerBound}",
        PlacementResult.OutOfTime late => $"{late.LowerBound} {(late.Best is null ? "" : Text(late.Best))}",
        PlacementResult.Infeasible none => string.Join('|', none.Reasons),
        _ => throw new InvalidOperationException(),
    };
}
