using NativeSplit.Placement.Problems;
using static NativeSplit.Placement.Tests.HandProblems;

namespace NativeSplit.Placement.Tests;

public sealed class ProblemRulesTests
{
    public static TheoryData<string, Func<PlacementProblem, PlacementProblem>> BadProblems => new()
    {
        { "number of layers is 0", p => p with { Layers = [] } },
        { "number of nodes is 0", p => p with { Nodes = [] } },
        { "number of request classes is 0", p => p with { Requests = [] } },
        { "bytes of a row is 0", p => p with { BorderBytesPerRow = 0 } },
        { "KV reserve in tokens is -1", p => p with { KvReserveTokens = -1 } },
        { "weight bytes of layer 1 is 9223372036854775807", p => p.WithLayers((l, u) => u == 1 ? l with { WeightBytes = long.MaxValue } : l) },
        { "sensitivities sum to 99999", p => p.WithLayers((l, u) => u == 1 ? l with { Sensitivity = 29_999 } : l) },
        { "free memory of worker is -1", p => p.WithNode(Worker, n => n with { FreeMemoryBytes = -1 }) },
        { "decode time of worker", p => p.WithNode(Worker, n => n with { DecodeNanosecondsPerStep = long.MaxValue }) },
        { "base load of worker", p => p.WithNode(Worker, n => n with { BaseLoad = 1_000_001 }) },
        { "Node worker is given twice", p => p with { Nodes = [.. p.Nodes, p.Nodes[1]] } },
        { "none of the nodes", p => p with { Origin = new NodeId("elsewhere") } },
        { "isn't trusted", p => p.WithNode(Gateway, n => n with { IsTrusted = false }) },
        { "doesn't join two", p => p with { Links = [new LinkFacts(Gateway, Gateway, 0, 1)] } },
        { "worker is given twice", p => p with { Links = [p.Links[0], p.Links[0]] } },
        { "rate of the link", p => p with { Links = [p.Links[0] with { BytesPerSecond = 0 }] } },
        { "TTFT objective of 'chat' is 0", p => p with { Requests = [p.Requests[0] with { TtftSloMicroseconds = 0 }] } },
        { "rate of 'chat' is 0", p => p with { Requests = [p.Requests[0] with { RequestsPerKilosecond = 0 }] } },
        { "weight of latency is -1", p => p with { Weights = p.Weights with { Latency = -1 } } },
        { "horizon in seconds is 0", p => p with { Migration = new MigrationFacts { Current = Plan((0, 4, Gateway)), LiveKvTokens = 0, HorizonSeconds = 0 } } },
        { "ends at layer 3", p => p with { Migration = new MigrationFacts { Current = Plan((0, 3, Gateway)), LiveKvTokens = 0 } } },
        { "Embedding and head alone", p => p with { Ends = p.Ends with { PrefillMicroseconds = ProblemRules.MaxTime } } },
    };

    [Theory]
    [MemberData(nameof(BadProblems), DisableDiscoveryEnumeration = true)]
    public void Solve_NamesTheFigure_WhenTheProblemIsBad(string words, Func<PlacementProblem, PlacementProblem> spoil)
    {
        PlanException refusal = Assert.Throws<PlanException>(() => PlacementSolver.Solve(spoil(Make()), new SolveBudget()));
        Assert.Equal(PlanFault.ProblemInvalid, refusal.Fault);
        Assert.Contains(words, refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Solve_DoesNotOverflow_WhenEveryFigureIsAtItsLimit()
    {
        PlacementProblem problem = Make(workerMemory: ProblemRules.MaxBytes);
        problem = problem with
        {
            Layers = [.. Sensitivity.Decaying(ProblemRules.MaxLayers).Select(s => new LayerFacts { WeightBytes = 1L << 42, KvBytesPerToken = 0, Sensitivity = s, PrefillWork = 1_000_000, DecodeWork = 1_000_000 })],
            Nodes = [problem.Nodes[0] with { FreeMemoryBytes = ProblemRules.MaxBytes, PrefillNanosecondsPerRow = 999, DecodeNanosecondsPerStep = 999 }, problem.Nodes[1]],
            Requests = [problem.Requests[0] with { PromptTokens = 1, OutputTokens = 1, RequestsPerKilosecond = 1, TtftSloMicroseconds = 1, TpotSloMicroseconds = 1 }],
            Weights = new PlacementWeights { Latency = 100_000, Utilization = 100_000, Privacy = 100_000, SloMiss = 100_000, Migration = 100_000 },
        };

        // 256 layers of 999 µs against SLOs of 1 µs: L = 100 · 255,744, and both are missed by 255,743 at π = 100.
        PlacementResult.Placed answer = Placed(problem);
        Assert.Equal(100_000L * 100 * 255_744, answer.Cost.Latency);
        Assert.Equal(2L * 100_000 * 100 * 255_743, answer.Cost.SloMiss);
        Assert.True(answer.IsProvenOptimal);
    }

    [Fact]
    public void Solve_Refuses_WhenTheBudgetIsEmpty() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => PlacementSolver.Solve(Make(), new SolveBudget { Steps = 0 }));
}
