using CsCheck;
using NativeSplit.Placement.Problems;

namespace NativeSplit.Placement.Tests;

/// <summary>What holds for every problem, on problems that CsCheck makes and, when one fails, makes smaller. Each is solved to the optimum.</summary>
public sealed class PlacementPropertyTests
{
    private const int Samples = 400;

    private static readonly Gen<(long Weight, bool IsCritical, int Work)> Layer = Gen.Select(Gen.Long[50, 150], Gen.Int[0, 3].Select(i => i == 0), Gen.Int[500, 1500]);

    private static readonly Gen<(bool IsTrusted, long Memory, long Prefill, long Decode, int Load)> Node =
        Gen.Select(Gen.Bool, Gen.Long[0, 700], Gen.Long[10_000, 200_000], Gen.Long[500_000, 10_000_000], Gen.Int[0, 600_000]);

    private static readonly Gen<PlacementProblem> Problem = Gen.Select(
        Layer.Array[1, 6], Node.Array[1, 4], Gen.Select(Gen.Long[50, 20_000], Gen.Long[100_000, 100_000_000], Gen.Int[0, 9]).Array[12],
        Gen.Select(Gen.Int[1, 200], Gen.Int[1, 50], Gen.Int[1, 3000], Gen.Long[5_000, 300_000], Gen.Long[2_000, 90_000]),
        Gen.Select(Gen.Int[0, 2000], Gen.Int[0, 5000], Gen.Int[0, 2000], Gen.Int[0, 10_000]),
        Make);

    [Fact]
    public void Solve_NeverCostsMore_WhenMemoryGrows() => Gen.Select(Problem, Gen.Long[0, 300].Array[4]).Sample(
        (problem, more) => IsNoWorse(problem, problem with { Nodes = [.. problem.Nodes.Select((n, i) => n with { FreeMemoryBytes = n.FreeMemoryBytes + more[i] })] }),
        iter: Samples);

    [Fact]
    public void Solve_NeverCostsMore_WhenANodeIsAdded() => Gen.Select(Problem, Node, Gen.Long[1, 5000]).Sample(
        (problem, node, latency) => IsNoWorse(problem, problem with
        {
            Nodes = [.. problem.Nodes, Facts(new NodeId("added"), node, isTrusted: node.IsTrusted)],
            Links = [.. problem.Links, .. problem.Nodes.SelectMany(n => new[] { new LinkFacts(n.Id, new NodeId("added"), latency, 10_000_000), new LinkFacts(new NodeId("added"), n.Id, latency, 10_000_000) })],
        }),
        iter: Samples);

    [Fact]
    public void Solve_CostsTheSame_WhenNodesAreRenamedAndListedInAnotherOrder() => Gen.Select(Problem, Gen.Int[0, 23]).Sample(
        (problem, order) =>
        {
            NodeId Renamed(NodeId id) => new("x-" + id.Value);
            NodeFacts[] nodes = [.. problem.Nodes.Select((n, i) => (n, Key: (i * 7 * (order + 1)) % 5, i)).OrderBy(x => x.Key).ThenByDescending(x => x.i).Select(x => x.n with { Id = Renamed(x.n.Id) })];
            PlacementProblem other = problem with
            {
                Nodes = nodes,
                Links = [.. problem.Links.Select(l => l with { From = Renamed(l.From), To = Renamed(l.To) }).OrderBy(l => l.LatencyMicroseconds)],
                Origin = Renamed(problem.Origin),
            };
            return Optimum(problem) == Optimum(other);
        },
        iter: Samples);

    [Fact]
    public void Solve_KeepsEveryCriticalLayerOnTrustedNodes() => Problem.Sample(
        problem => PlacementSolver.Solve(problem, new SolveBudget()) is not PlacementResult.Placed placed || placed.Plan.Segments.All(
            s => problem.Nodes.Single(n => n.Id == s.Node).IsTrusted || Enumerable.Range(s.Layers.Start, s.Layers.End - s.Layers.Start).All(u => !problem.Layers[u].IsPrivacyCritical)),
        iter: Samples);

    [Fact]
    public void Solve_EqualsBruteForce() => Problem.Sample(problem => Optimum(problem) == BruteForce.Optimum(problem), iter: Samples);

    [Fact]
    public void TheBoundOfEverySearch_PassesItsChecker_AndIsNotAboveTheOptimum() => Gen.Select(Problem, Gen.Int[1, 3000]).Sample(
        (problem, steps) =>
        {
            PlacementResult result = PlacementSolver.Solve(problem, new SolveBudget { Steps = steps });
            PlacementResult.Placed? best = result as PlacementResult.Placed ?? (result as PlacementResult.OutOfTime)?.Best;
            return best is null || (Certifying.DualBoundChecker.Check(problem, best.Evidence!).Count == 0 && best.LowerBound <= BruteForce.Optimum(problem) && best.Evidence!.Bound <= BruteForce.Optimum(problem));
        },
        iter: Samples);

    private static bool IsNoWorse(PlacementProblem before, PlacementProblem after) => Optimum(before) is not { } old || Optimum(after) <= old;

    private static long? Optimum(PlacementProblem problem) => PlacementSolver.Solve(problem, new SolveBudget()) switch
    {
        PlacementResult.Placed { IsProvenOptimal: true } placed => placed.Cost.Total,
        PlacementResult.Infeasible => null,
        PlacementResult other => throw new InvalidOperationException($"Not solved to the end: {other}"),
    };

    private static NodeFacts Facts(NodeId id, (bool IsTrusted, long Memory, long Prefill, long Decode, int Load) facts, bool isTrusted) => new()
    {
        Id = id,
        IsTrusted = isTrusted,
        FreeMemoryBytes = facts.Memory,
        PrefillNanosecondsPerRow = facts.Prefill,
        DecodeNanosecondsPerStep = facts.Decode,
        BaseLoad = facts.Load,
    };

    private static PlacementProblem Make(
        (long Weight, bool IsCritical, int Work)[] layers, (bool IsTrusted, long Memory, long Prefill, long Decode, int Load)[] nodes, (long Latency, long Rate, int Kind)[] links,
        (int Prompt, int Output, int Rate, long Ttft, long Tpot) load, (int Latency, int Utilization, int Privacy, int SloMiss) weights)
    {
        NodeId[] names = [.. nodes.Select((_, i) => new NodeId($"n{i}"))];
        IReadOnlyList<int> shares = Sensitivity.Decaying(layers.Length);
        (NodeId From, NodeId To)[] pairs = [.. from a in names from b in names where a != b select (a, b)];
        return new PlacementProblem
        {
            Layers = [.. layers.Select((l, u) => new LayerFacts
            {
                WeightBytes = l.Weight,
                KvBytesPerToken = 1,
                PrefillWork = l.Work,
                DecodeWork = l.Work,
                IsPrivacyCritical = l.IsCritical,
                Sensitivity = shares[u],
            })],
            Ends = new EndFacts { WeightBytes = 0, PrefillMicroseconds = 100, DecodeMicroseconds = 10 },
            Nodes = [.. nodes.Select((n, i) => Facts(names[i], n, n.IsTrusted || i == 0))],
            Links = [.. pairs.Select((p, i) => (p, Link: links[i])).Where(x => x.Link.Kind != 0).Select(x => new LinkFacts(x.p.From, x.p.To, x.Link.Latency, x.Link.Rate))],
            Requests = [new RequestClass { Name = "r", PromptTokens = load.Prompt, OutputTokens = load.Output, RequestsPerKilosecond = load.Rate, TtftSloMicroseconds = load.Ttft, TpotSloMicroseconds = load.Tpot }],
            Origin = names[0],
            BorderBytesPerRow = 1024,
            KvReserveTokens = 10,
            Weights = new PlacementWeights { Latency = weights.Latency, Utilization = weights.Utilization, Privacy = weights.Privacy, SloMiss = weights.SloMiss },
        };
    }
}
