using NativeSplit.Placement.Problems;
using static NativeSplit.Placement.Tests.HandProblems;

namespace NativeSplit.Placement.Tests;

public sealed class InfeasibilityTests
{
    [Fact]
    public void Solve_NamesBothAmounts_WhenTrustedMemoryIsShort()
    {
        PlacementProblem problem = Make(workerMemory: 20_000_000_000, isWorkerTrusted: false)
            .WithLayers((l, _) => l with { WeightBytes = 2_275_000_000, IsPrivacyCritical = true })
            .WithNode(Gateway, n => n with { FreeMemoryBytes = 7_400_000_000 });
        Assert.Equal("Privacy needs 9.1 GB on trusted nodes, trusted nodes have 7.4 GB.", Assert.Single(Reasons(problem)));
    }

    [Fact]
    public void Solve_NamesBothAmounts_WhenMemoryIsShort() =>
        Assert.Contains(
            "The layers need 800.0 MB of memory, the nodes have 600.0 MB for them.",
            Reasons(Make(workerMemory: 300_000_000).WithLayers((l, _) => l with { WeightBytes = 200_000_000 }).WithNode(Gateway, n => n with { FreeMemoryBytes = 300_000_000 })));

    [Fact]
    public void Solve_NamesTheLayer_WhenNoNodeIsRoomyEnough() =>
        Assert.Contains(Reasons(Make().WithLayers((l, u) => l with { WeightBytes = u == 2 ? 500_000_000 : 1 })), r => r.StartsWith("Layer 2 needs 500.0 MB", StringComparison.Ordinal));

    [Fact]
    public void Solve_NamesTheOrigin_WhenItsEndsDoNotFit() =>
        Assert.Contains(
            Reasons(Make() with { Ends = new EndFacts { WeightBytes = 5_000_000, PrefillMicroseconds = 0, DecodeMicroseconds = 0 } }),
            r => r.StartsWith("Embedding and head need 5.0 MB on gateway", StringComparison.Ordinal));

    [Fact]
    public void Solve_NamesTheTime_WhenTheLoadIsTooHigh()
    {
        PlacementProblem problem = Make();
        Assert.Contains(
            Reasons(problem with { Requests = [problem.Requests[0] with { RequestsPerKilosecond = 1_000_000 }] }),
            r => r.Contains("utilisation of 90.0 %", StringComparison.Ordinal));
    }

    [Fact]
    public void Solve_NamesTheNode_WhenNoLinkLeadsThere() =>
        Assert.Contains(Reasons(Make().WithNode(Gateway, n => n with { FreeMemoryBytes = 200 }) with { Links = [] }), r => r.Contains("from gateway to worker", StringComparison.Ordinal));

    [Fact]
    public void Solve_NamesTheRule_WhenSumsFitButPiecesDoNot()
    {
        // 300 bytes of critical layers and 300 bytes of trusted room, but a layer doesn't fit in halves.
        PlacementProblem problem = Make(workerMemory: 150).WithNode(Gateway, n => n with { FreeMemoryBytes = 150 }).WithLayers((l, u) => l with { IsPrivacyCritical = u < 3 });
        NodeId cloud = new("cloud");
        problem = problem with
        {
            Nodes = [.. problem.Nodes, problem.Nodes[1] with { Id = cloud, IsTrusted = false, FreeMemoryBytes = 400 }],
            Links = [.. problem.Links, new LinkFacts(Gateway, cloud, 1, 1000), new LinkFacts(cloud, Gateway, 1, 1000)],
        };
        Assert.Contains("No split keeps every rule; without privacy there is one.", Reasons(problem));
    }

    [Fact]
    public void Solve_AlwaysGivesAReason()
    {
        int seen = 0;
        for (int seed = 0; seed < 300; seed++)
        {
            if (PlacementSolver.Solve(RandomProblems.Make(seed), new SolveBudget()) is PlacementResult.Infeasible none)
            {
                seen++;
                Assert.True(none.Reasons.Count > 0 && none.Reasons.All(r => r.EndsWith('.')), $"Seed {seed}: {string.Join('|', none.Reasons)}");
            }
        }

        Assert.True(seen > 20, $"Only {seen} problems were infeasible.");
    }

    private static IReadOnlyList<string> Reasons(PlacementProblem problem) =>
        Assert.IsType<PlacementResult.Infeasible>(PlacementSolver.Solve(problem, new SolveBudget())).Reasons;
}
