using NativeSplit.Model;
using NativeSplit.Placement.Problems;

namespace NativeSplit.Placement.Tests;

/// <summary>Small problems of every kind: tight and roomy, private, one-way and missing links, missed SLOs, plans in force.</summary>
internal static class RandomProblems
{
    public static PlacementProblem Make(int seed)
    {
        Random random = new(seed);
        int layers = random.Next(1, 7), nodes = random.Next(1, 5);
        bool isTight = random.Next(2) == 0, isBusy = random.Next(3) == 0, isSlow = random.Next(3) == 0;
        NodeId[] names = [.. Enumerable.Range(0, nodes).Select(n => new NodeId($"n{n}"))];
        IReadOnlyList<int> shares = Sensitivity.Decaying(layers);
        LayerFacts[] chain = [.. Enumerable.Range(0, layers).Select(u => new LayerFacts
        {
            WeightBytes = random.Next(50, 150),
            KvBytesPerToken = random.Next(0, 3),
            PrefillWork = random.Next(500, 1500),
            DecodeWork = random.Next(500, 1500),
            IsPrivacyCritical = random.Next(4) == 0,
            Sensitivity = shares[u],
        })];
        long memory = chain.Sum(l => l.WeightBytes + (10 * l.KvBytesPerToken));
        return new PlacementProblem
        {
            Layers = chain,
            Ends = new EndFacts { WeightBytes = random.Next(0, 40), PrefillMicroseconds = random.Next(0, 5000), DecodeMicroseconds = random.Next(0, 500) },
            Nodes = [.. names.Select((id, n) => new NodeFacts
            {
                Id = id,
                IsTrusted = n == 0 || random.Next(2) == 0,
                FreeMemoryBytes = isTight ? random.NextInt64(40, Math.Max(41, memory * 2 / Math.Max(1, nodes - 1))) : memory + random.Next(0, 200),
                PrefillNanosecondsPerRow = random.Next(10_000, 200_000),
                DecodeNanosecondsPerStep = random.Next(500_000, 10_000_000),
                BaseLoad = random.Next(3) == 0 ? random.Next(0, 950_000) : random.Next(0, 300_000),
            })],
            Links = [.. from a in names from b in names where a != b && random.Next(8) != 0 select new LinkFacts(a, b, random.Next(50, 20_000), random.Next(100_000, 100_000_000))],
            Requests = [.. Enumerable.Range(0, random.Next(1, 3)).Select(r => new RequestClass
            {
                Name = $"class-{r}",
                PromptTokens = random.Next(1, 200),
                OutputTokens = random.Next(1, 50),
                RequestsPerKilosecond = isBusy ? random.Next(500, 4000) : random.Next(1, 400),
                TtftSloMicroseconds = isSlow ? random.Next(5_000, 40_000) : random.Next(50_000, 500_000),
                TpotSloMicroseconds = isSlow ? random.Next(2_000, 20_000) : random.Next(30_000, 90_000),
                IsPrivate = random.Next(12) == 0,
            })],
            Origin = names[0],
            BorderBytesPerRow = random.Next(64, 4096),
            KvReserveTokens = 10,
            Weights = new PlacementWeights
            {
                Latency = random.Next(0, 2000),
                Utilization = random.Next(0, 500),
                Privacy = random.Next(0, 2000),
                SloMiss = random.Next(3) == 0 ? 0 : random.Next(0, 10_000),
            },
            Migration = random.Next(3) != 0 ? null : new MigrationFacts
            {
                Current = new Plan(new PlanEpoch(7), [new PlanSegment(new LayerRange(0, layers), random.Next(4) == 0 ? new NodeId("gone") : names[random.Next(nodes)])]),
                LiveKvTokens = random.Next(0, 1000),
                HorizonSeconds = 1,
            },
        };
    }

    /// <summary>Five layers on four nodes whose terms pull apart: cheap in one respect is slow or busy in another, and SLOs are near.</summary>
    public static PlacementProblem MakeStrained(int seed)
    {
        Random random = new(seed);
        PlacementProblem problem = Enumerable.Range(0, int.MaxValue).Select(i => Make(seed + (1000 * i))).First(p => p.Layers.Count >= 5 && p.Nodes.Count == 4);
        return problem with
        {
            Layers = [.. problem.Layers.Take(5).Select((l, u) => l with { IsPrivacyCritical = random.Next(6) == 0, Sensitivity = Sensitivity.Decaying(5)[u] })],
            Nodes = [.. problem.Nodes.Select((n, i) => n with { IsTrusted = i == 0 || random.Next(3) != 0, FreeMemoryBytes = random.Next(250, 500), BaseLoad = random.Next(0, 500_000) })],
            Links = [.. from a in problem.Nodes from b in problem.Nodes where a.Id != b.Id select new LinkFacts(a.Id, b.Id, random.Next(50, 3000), random.Next(1_000_000, 100_000_000))],
            Requests = [.. problem.Requests.Select(r => r with
            {
                OutputTokens = random.Next(5, 50),
                RequestsPerKilosecond = random.Next(200, 3000),
                TtftSloMicroseconds = random.Next(10_000, 100_000),
                TpotSloMicroseconds = random.Next(5_000, 40_000),
                IsPrivate = false,
            })],
            Weights = new PlacementWeights { Latency = random.Next(0, 100), Utilization = random.Next(0, 20_000), Privacy = random.Next(0, 3000), SloMiss = random.Next(100, 2000) },
            Migration = null,
        };
    }
}
