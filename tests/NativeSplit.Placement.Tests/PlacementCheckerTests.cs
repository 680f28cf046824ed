using NativeSplit.Placement.Problems;
using static NativeSplit.Placement.Tests.HandProblems;

namespace NativeSplit.Placement.Tests;

/// <summary>A good plan, broken in one way at a time.</summary>
public sealed class PlacementCheckerTests
{
    private static readonly Plan Good = Plan((0, 1, Gateway), (1, 3, Worker), (3, 4, Gateway));

    [Fact]
    public void Check_FindsNothing_WhenThePlanIsGood()
    {
        PlacementVerdict verdict = PlacementChecker.Check(Make(workerMemory: 200, isWorkerTrusted: false), Good);
        Assert.Empty(verdict.Faults);
        Assert.Equal(15_300, verdict.Cost!.Total);
    }

    [Fact]
    public void Check_Refuses_WhenLayersRunNowhere() => Refuses("[1, 2)", Make(), Plan((0, 1, Gateway), (2, 4, Worker)));

    [Fact]
    public void Check_Refuses_WhenTheNodeIsUnknown() => Refuses("stranger", Make(), Plan((0, 4, new NodeId("stranger"))));

    [Fact]
    public void Check_Refuses_WhenAnUntrustedNodeHoldsTwoSegments() =>
        Refuses("untrusted", Make(isWorkerTrusted: false), Plan((0, 1, Worker), (1, 3, Gateway), (3, 4, Worker)));

    [Fact]
    public void Check_Refuses_WhenACriticalLayerIsOnAnUntrustedNode() =>
        Refuses("layer 2 is privacy-critical", Make(isWorkerTrusted: false).WithLayers((l, u) => l with { IsPrivacyCritical = u == 2 }), Good);

    [Fact]
    public void Check_Refuses_WhenPrivateRequestsMeetAnUntrustedNode()
    {
        PlacementProblem problem = Make(isWorkerTrusted: false);
        Refuses("'chat' are private", problem with { Requests = [problem.Requests[0] with { IsPrivate = true }] }, Good);
    }

    [Fact]
    public void Check_Refuses_WhenMemoryIsShortByOneByte() => Refuses("worker would need", Make(workerMemory: 199), Good);

    [Fact]
    public void Check_CountsTheKvReserve() =>
        Refuses("worker would need", Make(workerMemory: 200).WithLayers((l, _) => l with { KvBytesPerToken = 1 }) with { KvReserveTokens = 1 }, Good);

    [Fact]
    public void Check_CountsEmbeddingAndHead_AtTheOrigin() =>
        Refuses("gateway would need", Make() with { Ends = new EndFacts { WeightBytes = 201, PrefillMicroseconds = 0, DecodeMicroseconds = 0 } }, Good);

    [Fact]
    public void Check_Refuses_WhenANodeIsTooBusy()
    {
        // Two layers of 200 µs, 10 steps, one request per second: 0.4 % more on the worker.
        Assert.Empty(PlacementChecker.Check(Make().WithNode(Worker, n => n with { BaseLoad = 896_000 }), Good).Faults);
        Refuses("worker would be 90.0 % busy", Make().WithNode(Worker, n => n with { BaseLoad = 896_001 }), Good);
    }

    [Fact]
    public void Check_Refuses_WhenALinkIsMissing()
    {
        PlacementProblem problem = Make();
        Refuses("no link gateway to worker", problem with { Links = [problem.Links[1]] }, Good);
        Refuses("no link worker to gateway", problem with { Links = [problem.Links[0]] }, Good);
    }

    [Fact]
    public void Check_Refuses_WhenAHopIsHopeless() => Refuses("the hop gateway to worker alone", Make(hop: 10_000_001), Good);

    [Fact]
    public void Check_Refuses_WhenALayerCannotBeBrought()
    {
        PlacementProblem problem = Make() with { Migration = new MigrationFacts { Current = Plan((0, 4, Worker)), LiveKvTokens = 0 } };
        Assert.Contains("no usable link", string.Join(' ', PlacementChecker.Check(problem with { Links = [] }, Plan((0, 2, Gateway), (2, 4, Worker))).Faults
            .Concat(PlacementChecker.Check(problem with { Links = [problem.Links[1]], Migration = problem.Migration! with { Current = Plan((0, 4, Gateway)) } }, Good).Faults)));
    }

    [Fact]
    public void Check_FindsTheExactLimit_OnRandomPlans()
    {
        int tried = 0;
        for (int seed = 0; seed < 200; seed++)
        {
            PlacementProblem problem = RandomProblems.Make(seed);
            if (PlacementSolver.Solve(problem, new SolveBudget()) is not PlacementResult.Placed answer)
            {
                continue;
            }

            foreach (NodeId node in answer.Plan.Segments.Select(s => s.Node).Distinct())
            {
                long need = node == problem.Origin ? problem.Ends.WeightBytes : 0;
                need += answer.Plan.Segments.Where(s => s.Node == node).Sum(s => Enumerable.Range(s.Layers.Start, s.Layers.Count)
                    .Sum(u => problem.Layers[u].WeightBytes + (problem.Layers[u].KvBytesPerToken * problem.KvReserveTokens)));
                Assert.Empty(PlacementChecker.Check(problem.WithNode(node, n => n with { FreeMemoryBytes = need }), answer.Plan).Faults);
                Assert.Contains(node.Value, Assert.Single(PlacementChecker.Check(problem.WithNode(node, n => n with { FreeMemoryBytes = need - 1 }), answer.Plan).Faults));
                tried++;
            }
        }

        Assert.True(tried > 100, $"Only {tried} nodes were tried.");
    }

    private static void Refuses(string words, PlacementProblem problem, Plan plan)
    {
        PlacementVerdict verdict = PlacementChecker.Check(problem, plan);
        Assert.Contains(verdict.Faults, f => f.Contains(words, StringComparison.Ordinal));
        Assert.Null(verdict.Cost);
    }
}
