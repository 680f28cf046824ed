using NativeSplit.Placement.Problems;
using NativeSplit.Placement.Solving;

namespace NativeSplit.Placement.Tests;

/// <summary>Clusters of real size. Budgets are in steps, so the outcome is the same on every machine.</summary>
public sealed class PlacementSolverScaleTests
{
    [Theory]
    [InlineData(24, 3, 200, 10)]
    [InlineData(32, 4, 200, 10)]
    [InlineData(32, 8, 130, 10)]
    [InlineData(32, 8, 200, 10)]
    [InlineData(80, 16, 200, 2)]
    public void Solve_ProvesTheOptimum_WhenTheClusterIsOfUsualSize(int layers, int nodes, int roomPercent, int seeds)
    {
        for (int seed = 0; seed < seeds; seed++)
        {
            PlacementProblem problem = EdgeClusters.Make(layers, nodes, seed, roomPercent);
            PlacementResult result = PlacementSolver.Solve(problem, new SolveBudget { Steps = 50_000_000 });
            Assert.True(result is PlacementResult.Placed { IsProvenOptimal: true }, $"Seed {seed}: {result}");
        }
    }

    [Fact]
    public void Solve_StopsEarly_WhenAGapIsAccepted()
    {
        PlacementProblem problem = EdgeClusters.Make(32, 8, 6, 200);
        (PlacementResult exact, SearchOutcome all) = PlacementSolver.Search(problem, new BudgetMeter(new SolveBudget()));
        (PlacementResult near, SearchOutcome some) = PlacementSolver.Search(problem, new BudgetMeter(new SolveBudget { AcceptedGap = 100_000 }));
        long optimum = Assert.IsType<PlacementResult.Placed>(exact).Cost.Total;
        PlacementResult.Placed answer = Assert.IsType<PlacementResult.Placed>(near);
        Assert.InRange(answer.LowerBound, (answer.Cost.Total * 9 / 10) - 1, optimum);
        Assert.True(answer.Cost.Total >= optimum);
        Assert.True(some.Steps < all.Steps, $"{some.Steps} steps with a gap, {all.Steps} without.");
    }

    [Fact]
    public void Solve_SaysOutOfTime_WhenTheClockRunsOut()
    {
        PlacementProblem problem = EdgeClusters.Make(32, 8, 6, 200);
        PlacementResult late = PlacementSolver.Solve(problem, new SolveBudget { Clock = new TickingClock(), TimeLimit = TimeSpan.FromSeconds(20) });
        long optimum = Assert.IsType<PlacementResult.Placed>(PlacementSolver.Solve(problem, new SolveBudget())).Cost.Total;
        PlacementResult.OutOfTime answer = Assert.IsType<PlacementResult.OutOfTime>(late);
        Assert.True(answer.LowerBound <= optimum);
        Assert.True(answer.Best!.Cost.Total >= optimum);
    }

    /// <summary>A second passes with every look.</summary>
    private sealed class TickingClock : TimeProvider
    {
        private long _looks;

        public override long TimestampFrequency => 1;

        public override long GetTimestamp() => _looks++;
    }
}
