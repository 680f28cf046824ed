using NativeSplit.Placement.Problems;
using static NativeSplit.Placement.Tests.HandProblems;

namespace NativeSplit.Placement.Tests;

public sealed class PlacementSolverByHandTests
{
    [Fact]
    public void Solve_KeepsAllOnTheGateway_WhenHopsCostMoreThanTheyBring()
    {
        // Gateway alone: 4 · 1000 · 5 = 20,000. Any use of the worker pays two hops of 3000 · 5.5 = 16,500.
        PlacementResult.Placed answer = Placed(Make(hop: 3000));
        Assert.Equal([new PlanSegment(new(0, 4), Gateway)], answer.Plan.Segments);
        Assert.Equal(20_000, answer.Cost.Total);
    }

    [Fact]
    public void Solve_MovesAllToTheWorker_WhenItIsFasterAndHasRoom()
    {
        // 4 · 200 · 5 + 2 · 300 · 5.5 = 4000 + 3300.
        PlacementResult.Placed answer = Placed(Make());
        Assert.Equal([new PlanSegment(new(0, 4), Worker)], answer.Plan.Segments);
        Assert.Equal(7300, answer.Cost.Total);
    }

    [Fact]
    public void Solve_Splits_WhenTheWorkerHoldsTwoLayersOnly()
    {
        // 2 · 5000 + 2 · 1000 + 3300 = 15,300, less than 20,000 on the gateway alone.
        PlacementResult.Placed answer = Placed(Make(workerMemory: 200));
        Assert.Equal(15_300, answer.Cost.Total);
        Assert.Equal(15_300, answer.Cost.Latency);
        Assert.True(answer.IsProvenOptimal);
    }

    [Fact]
    public void Solve_GivesTheDeepestLayersAway_WhenTheWorkerIsNotTrusted()
    {
        // γ = 0.1: the last two layers leak 0.1 · 30,000 = 3000, and 15,300 + 3000 is still less than 20,000.
        PlacementProblem problem = Make(workerMemory: 200, isWorkerTrusted: false);
        PlacementResult.Placed answer = Placed(problem with { Weights = problem.Weights with { Privacy = 100 } });
        Assert.Equal([new PlanSegment(new(0, 2), Gateway), new PlanSegment(new(2, 4), Worker)], answer.Plan.Segments);
        Assert.Equal(3000, answer.Cost.Privacy);
        Assert.Equal(18_300, answer.Cost.Total);
    }

    [Fact]
    public void Solve_SurroundsTheWorker_WhenBothEndsOfTheModelAreCritical()
    {
        PlacementProblem problem = Make(workerMemory: 200, isWorkerTrusted: false).WithLayers((l, u) => l with { IsPrivacyCritical = u is 0 or 3 });
        Assert.Equal(
            [new PlanSegment(new(0, 1), Gateway), new PlanSegment(new(1, 3), Worker), new PlanSegment(new(3, 4), Gateway)],
            Placed(problem).Plan.Segments);
    }

    [Fact]
    public void Solve_StaysOnTrustedNodes_WhenAClassIsPrivate()
    {
        PlacementProblem problem = Make(isWorkerTrusted: false);
        PlacementResult.Placed answer = Placed(problem with { Requests = [problem.Requests[0] with { IsPrivate = true }] });
        Assert.Equal([new PlanSegment(new(0, 4), Gateway)], answer.Plan.Segments);
    }

    [Fact]
    public void Check_PricesAMissedSlo_ByItsLength()
    {
        // 4000 µs against 2000: missed by its own length, at π = 10.
        PlacementProblem problem = Make();
        problem = problem with { Requests = [problem.Requests[0] with { TpotSloMicroseconds = 2000 }] };
        Assert.Equal(1_000_000, PlacementChecker.Check(problem, Plan((0, 4, Gateway))).Cost!.SloMiss);
    }

    [Fact]
    public void Check_PricesUtilization_ByTheCurve()
    {
        // 10 decode steps of 4 · 1 ms per request; 20 requests per second make ρ = 0.8, where g = 1.
        PlacementProblem problem = Make();
        problem = problem with { Requests = [problem.Requests[0] with { RequestsPerKilosecond = 20_000 }], Weights = problem.Weights with { Utilization = 1000 } };
        Assert.Equal(100_000, PlacementChecker.Check(problem, Plan((0, 4, Gateway))).Cost!.Utilization);
    }

    [Fact]
    public void Check_PricesAMove_AsShareOfTheHorizon()
    {
        // 3 MB at 1 MB/s: 3 s of 600 s per layer, that is 500; two layers move.
        PlacementProblem problem = Make().WithLayers((l, _) => l with { WeightBytes = 3_000_000 }).WithNode(Gateway, n => n with { FreeMemoryBytes = 1L << 30 })
            .WithNode(Worker, n => n with { FreeMemoryBytes = 1L << 30 });
        problem = problem with
        {
            Links = [.. problem.Links.Select(l => l with { BytesPerSecond = 1_000_000 })],
            Migration = new MigrationFacts { Current = Plan((0, 4, Gateway)), LiveKvTokens = 100 },
        };
        Assert.Equal(1000, PlacementChecker.Check(problem, Plan((0, 2, Gateway), (2, 4, Worker))).Cost!.Migration);
        Assert.Equal(0, PlacementChecker.Check(problem, Plan((0, 4, Gateway))).Cost!.Migration);
    }

    [Fact]
    public void Solve_KeepsThePlanInForce_WhenMovingNeverPaysBack()
    {
        PlacementProblem problem = Make().WithLayers((l, _) => l with { KvBytesPerToken = 1L << 20 });
        problem = problem with
        {
            Migration = new MigrationFacts { Current = Plan((0, 4, Gateway)) with { Epoch = new PlanEpoch(9) }, LiveKvTokens = 1_000_000, HorizonSeconds = 1 },
            Links = [.. problem.Links.Select(l => l with { BytesPerSecond = 1_000_000_000_000 })],
        };
        PlacementResult.Placed answer = Placed(problem);
        Assert.Equal(Gateway, Assert.Single(answer.Plan.Segments).Node);
        Assert.Equal(new PlanEpoch(10), answer.Plan.Epoch);
    }
}
