using NativeSplit.Placement.Certifying;
using NativeSplit.Placement.Problems;

namespace NativeSplit.Placement.Tests;

public sealed class DualBoundCheckerTests
{
    [Fact]
    public void Check_FindsNothing_AndTheBoundHolds_OnRandomProblems()
    {
        int tight = 0;
        for (int seed = 0; seed < 300; seed++)
        {
            PlacementProblem problem = seed % 2 == 0 ? RandomProblems.Make(seed) : RandomProblems.MakeStrained(seed);
            if (PlacementSolver.Solve(problem, new SolveBudget()) is not PlacementResult.Placed answer)
            {
                continue;
            }

            DualEvidence evidence = answer.Evidence!;
            Assert.True(DualBoundChecker.Check(problem, evidence) is { Count: 0 } faults, $"Seed {seed}: {string.Join(' ', DualBoundChecker.Check(problem, evidence))}");
            Assert.True(evidence.Bound <= BruteForce.Optimum(problem), $"Seed {seed}: the bound {evidence.Bound} is above the optimum.");

            // The bound is the most that these multipliers give, so one more is too much.
            Assert.Contains("The multipliers give a bound of", Assert.Single(DualBoundChecker.Check(problem, evidence with { Bound = evidence.Bound + 1 })), StringComparison.Ordinal);
            tight += evidence.Bound == answer.Cost.Total ? 1 : 0;
        }

        Assert.True(tight > 20, $"The multipliers alone proved {tight} optima.");
    }

    [Theory]
    [InlineData(32, 8, 200)]
    [InlineData(32, 8, 130)]
    public void Check_Agrees_WhenNodesAreRemembered(int layers, int nodes, int roomPercent)
    {
        int remembered = 0;
        for (int seed = 0; seed < 3; seed++)
        {
            PlacementProblem problem = EdgeClusters.Make(layers, nodes, seed, roomPercent);
            var answer = (PlacementResult.Placed)PlacementSolver.Solve(problem, new SolveBudget());
            DualEvidence better = Tightening.Tighten(problem, answer.Evidence!, answer.Plan, answer.Cost.Total - 1, 5_000_000);
            Assert.True(better.Bound >= answer.Evidence!.Bound && better.Bound <= answer.Cost.Total, $"Seed {seed}: {answer.Evidence.Bound} became {better.Bound} for {answer.Cost.Total}.");
            Assert.Empty(DualBoundChecker.Check(problem, better));
            Assert.NotEmpty(DualBoundChecker.Check(problem, better with { Bound = better.Bound + 1 }));
            remembered += better.Remembered.Sum(known => known.Count);
        }

        Assert.True(remembered > 0, "No node was ever remembered.");
    }

    [Fact]
    public void Check_Refuses_WhenTheEvidenceIsOfNoUse()
    {
        PlacementProblem problem = HandProblems.Make();
        DualEvidence good = HandProblems.Placed(problem).Evidence!;
        Refuses("another problem", good with { Nodes = [] });
        Refuses("another problem", good with { MemoryUnitBytes = 0 });
        Refuses("negative", good with { Nodes = [.. good.Nodes.Select(n => n with { Memory = -1 })] });
        Refuses("above that of a µs", good with { Times = [.. good.Times.Select(_ => long.MaxValue / 2)] });
        Refuses("remembered node", good with { Remembered = [] });
        Refuses("remembered node", good with { Remembered = [[7], []] });
        Refuses("remembered node", good with { Remembered = [[1, 1], []] });
        Refuses("remembered node", good with { LevelBits = 40 });

        void Refuses(string words, DualEvidence evidence) =>
            Assert.Contains(DualBoundChecker.Check(problem, evidence), f => f.Contains(words, StringComparison.Ordinal));
    }

    [Fact]
    public void Residual_HoldsEveryPlanWithinTheGoal()
    {
        for (int seed = 0; seed < 200; seed++)
        {
            PlacementProblem problem = RandomProblems.MakeStrained(seed);
            if (PlacementSolver.Solve(problem, new SolveBudget()) is not PlacementResult.Placed answer)
            {
                continue;
            }

            ResidualProblem residual = ResidualProblem.Build(problem, answer.Evidence!, answer.Cost.Total);
            CandidateSegment[] chain = [.. answer.Plan.Segments.Select(s => residual.Segments.Single(c =>
                problem.Nodes[c.Node].Id == s.Node && c.Start == s.Layers.Start && c.End == s.Layers.End))];
            Assert.Equal(answer.Cost, residual.Price(chain));
            Assert.Equal(answer.Plan.Segments, residual.ToPlan(chain).Segments);
            long reduced = chain.Sum(c => c.ReducedCost) + residual.StartReducedCost(chain[0].Node)
                + chain.Zip(chain.Skip(1)).Sum(p => residual.HopReducedCost(p.First.Node, p.Second.Node, p.Second.Start));
            Assert.True(reduced <= residual.ReducedLimit && chain.All(c => c.ReducedCost >= 0), $"Seed {seed}: {reduced} of {residual.ReducedLimit}.");
        }
    }
}
