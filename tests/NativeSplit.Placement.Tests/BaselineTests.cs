using NativeSplit.Placement.Baselines;
using NativeSplit.Placement.Problems;
using static NativeSplit.Placement.Tests.HandProblems;

namespace NativeSplit.Placement.Tests;

public sealed class BaselineTests
{
    public static TheoryData<string> Names => [.. BaselineSolver.All.Select(s => s.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Solve_NeverBeatsTheExactSolver_AndPassesTheChecker(string name)
    {
        IPlacementSolver baseline = BaselineSolver.All.Single(s => s.Name == name);
        ExactSolver exact = new();
        int placed = 0, worse = 0;
        for (int seed = 0; seed < 300; seed++)
        {
            PlacementProblem problem = RandomProblems.Make(seed);
            if (baseline.Solve(problem, new SolveBudget()) is PlacementResult.Placed answer)
            {
                placed++;
                Assert.Equal(answer.Cost, PlacementChecker.Check(problem, answer.Plan).Cost);
                var best = (PlacementResult.Placed)exact.Solve(problem, new SolveBudget());
                Assert.True(best.Cost.Total <= answer.Cost.Total, $"Seed {seed}: {answer.Cost.Total} beats {best.Cost.Total}.");
                worse += best.Cost.Total < answer.Cost.Total ? 1 : 0;
            }
        }

        Assert.True(placed > 20 && worse > 5, $"{placed} placed, {worse} of them worse than the best.");
    }

    [Fact]
    public void Even_GivesEachNodeAsMany() =>
        Assert.Equal(Plan((0, 2, Gateway), (2, 4, Worker)).Segments, Of<EvenSolver>(Make(hop: 1)).Segments);

    [Fact]
    public void MemoryProportional_FollowsMemory() =>
        Assert.Equal(Plan((0, 3, Gateway), (3, 4, Worker)).Segments, Of<MemoryProportionalSolver>(Make(hop: 1, workerMemory: 133)).Segments);

    [Fact]
    public void StaticThree_KeepsBothEndsAtTheOrigin() =>
        Assert.Equal(Plan((0, 1, Gateway), (1, 3, Worker), (3, 4, Gateway)).Segments, Of<StaticThreeSolver>(Make(isWorkerTrusted: false)).Segments);

    [Fact]
    public void StaticThree_KeepsCriticalLayersAtTheOrigin() =>
        Assert.Equal(
            Plan((0, 2, Gateway), (2, 3, Worker), (3, 4, Gateway)).Segments,
            Of<StaticThreeSolver>(Make(isWorkerTrusted: false).WithLayers((l, u) => l with { IsPrivacyCritical = u < 2 })).Segments);

    [Fact]
    public void EdgeShard_FindsTheLeastLatency_WhenMemoryIsAmple() =>
        Assert.Equal(((PlacementResult.Placed)PlacementSolver.Solve(Make(hop: 300), new SolveBudget())).Plan.Segments, Of<EdgeShardSolver>(Make(hop: 300)).Segments);

    [Fact]
    public void Greedy_TakesWhatLooksBestNow() =>
        Assert.Equal(Plan((0, 4, Worker)).Segments, Of<GreedySolver>(Make(hop: 10)).Segments);

    [Fact]
    public void Solve_SaysWhatIsBroken_WhenTheRuleMakesABadPlan() =>
        Assert.Contains("isn't trusted", Assert.Single(Assert.IsType<PlacementResult.NotPlaced>(new EvenSolver().Solve(
            Make(isWorkerTrusted: false).WithLayers((l, _) => l with { IsPrivacyCritical = true }), new SolveBudget())).Reasons), StringComparison.Ordinal);

    private static Plan Of<TSolver>(PlacementProblem problem)
        where TSolver : IPlacementSolver, new() => Assert.IsType<PlacementResult.Placed>(new TSolver().Solve(problem, new SolveBudget())).Plan;
}
