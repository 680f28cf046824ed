using NativeSplit.Model;
using NativeSplit.Placement.Problems;

namespace NativeSplit.Placement.Tests;

/// <summary>
/// Four equal layers of 100 bytes. A step takes 1000 µs per layer on the gateway, 200 µs on the worker; prompts cost nothing but hops.
/// SLOs of 100,000 and 10,000 µs, so a µs of TTFT costs 0.5 and a µs of TPOT 5. A hop takes <c>hop</c> µs for a row as for a prompt.
/// </summary>
internal static class HandProblems
{
    public static readonly NodeId Gateway = new("gateway");
    public static readonly NodeId Worker = new("worker");

    public static PlacementProblem Make(long hop = 300, long workerMemory = 400, bool isWorkerTrusted = true) => new()
    {
        Layers = [.. new[] { 40_000, 30_000, 20_000, 10_000 }.Select(s => new LayerFacts { WeightBytes = 100, KvBytesPerToken = 0, Sensitivity = s })],
        Ends = new EndFacts { WeightBytes = 0, PrefillMicroseconds = 0, DecodeMicroseconds = 0 },
        Nodes =
        [
            new NodeFacts { Id = Gateway, IsTrusted = true, FreeMemoryBytes = 400, PrefillNanosecondsPerRow = 0, DecodeNanosecondsPerStep = 1_000_000 },
            new NodeFacts { Id = Worker, IsTrusted = isWorkerTrusted, FreeMemoryBytes = workerMemory, PrefillNanosecondsPerRow = 0, DecodeNanosecondsPerStep = 200_000 },
        ],
        // A byte on so fast a link still counts as one µs.
        Links = [new LinkFacts(Gateway, Worker, hop - 1, ProblemRules.MaxBytes), new LinkFacts(Worker, Gateway, hop - 1, ProblemRules.MaxBytes)],
        Requests = [new RequestClass { Name = "chat", PromptTokens = 10, OutputTokens = 11, RequestsPerKilosecond = 1000, TtftSloMicroseconds = 100_000, TpotSloMicroseconds = 10_000 }],
        Origin = Gateway,
        BorderBytesPerRow = 1,
        KvReserveTokens = 0,
        Weights = new PlacementWeights { Utilization = 0, Privacy = 0 },
    };

    public static Plan Plan(params (int Start, int End, NodeId Node)[] segments) =>
        new(new PlanEpoch(1), [.. segments.Select(s => new PlanSegment(new LayerRange(s.Start, s.End), s.Node))]);

    public static PlacementProblem WithNode(this PlacementProblem problem, NodeId id, Func<NodeFacts, NodeFacts> change) =>
        problem with { Nodes = [.. problem.Nodes.Select(n => n.Id == id ? change(n) : n)] };

    public static PlacementProblem WithLayers(this PlacementProblem problem, Func<LayerFacts, int, LayerFacts> change) =>
        problem with { Layers = [.. problem.Layers.Select(change)] };

    public static PlacementResult.Placed Placed(PlacementProblem problem) =>
        Assert.IsType<PlacementResult.Placed>(PlacementSolver.Solve(problem, new SolveBudget()));
}
