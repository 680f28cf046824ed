using NativeSplit.Placement.Problems;
using NativeSplit.Placement.Tests;

namespace NativeSplit.Placement.Z3.Tests;

/// <summary>CP-SAT, given the whole problem without any of our reductions, finds the same optimum.</summary>
public sealed class CpSatAgreementTests
{
    [Theory]
    [InlineData(24, 3, 200, 0)]
    [InlineData(24, 3, 200, 1)]
    [InlineData(32, 4, 130, 0)]
    [InlineData(32, 4, 200, 0)]
    public void Solve_EqualsCpSat_WhenTheClusterIsOfUsualSize(int layers, int nodes, int roomPercent, int seed)
    {
        PlacementProblem problem = EdgeClusters.Make(layers, nodes, seed, roomPercent);
        PlacementResult.Placed answer = Assert.IsType<PlacementResult.Placed>(PlacementSolver.Solve(problem, new SolveBudget()));
        Assert.Equal((answer.Cost.Total, answer.Cost.Total), CpSat.Solve(problem, seconds: 120));
    }

    [Theory]
    [InlineData(130, 0)]
    [InlineData(200, 4)]
    [InlineData(200, 7)]
    public void Solve_IsBetweenTheBoundsOfCpSat_WhenItDoesNotFinish(int roomPercent, int seed)
    {
        // 32x8 takes CP-SAT more than two minutes on two cores; what it has after seconds must not contradict.
        PlacementProblem problem = EdgeClusters.Make(32, 8, seed, roomPercent);
        PlacementResult.Placed answer = Assert.IsType<PlacementResult.Placed>(PlacementSolver.Solve(problem, new SolveBudget()));
        (long best, long bound) = CpSat.Solve(problem, seconds: 6);
        Assert.InRange(answer.Cost.Total, bound, best);
    }
}
