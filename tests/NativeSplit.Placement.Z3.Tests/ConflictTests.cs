using NativeSplit.Placement.Certifying;
using NativeSplit.Placement.Problems;
using NativeSplit.Placement.Tests;
using static NativeSplit.Placement.Tests.HandProblems;

namespace NativeSplit.Placement.Z3.Tests;

public sealed class ConflictTests
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    [Fact]
    public void Explain_NamesBothAmounts_WhenTrustedMemoryIsShort()
    {
        PlacementProblem problem = Make(workerMemory: 20_000_000_000, isWorkerTrusted: false)
            .WithLayers((l, _) => l with { WeightBytes = 2_275_000_000, IsPrivacyCritical = true })
            .WithNode(Gateway, n => n with { FreeMemoryBytes = 7_400_000_000 });
        ConflictResult.Conflict conflict = Explain(problem);
        Assert.Equal("Privacy needs 9.1 GB on trusted nodes, trusted nodes have 7.4 GB.", Assert.Single(conflict.Reasons));
        Assert.Equal(["privacy", "memory of gateway"], conflict.Limits);
        Assert.True(conflict.IsMinimal);
    }

    [Fact]
    public void Explain_NamesMemoryAlone_WhenAllNodesAreTooSmall()
    {
        PlacementProblem problem = Make(workerMemory: 300_000_000).WithLayers((l, _) => l with { WeightBytes = 200_000_000 }).WithNode(Gateway, n => n with { FreeMemoryBytes = 300_000_000 });
        ConflictResult.Conflict conflict = Explain(problem);
        Assert.Equal("The layers need 800.0 MB of memory; gateway, worker have 600.0 MB for them.", Assert.Single(conflict.Reasons));
        Assert.Equal(["memory of gateway", "memory of worker"], conflict.Limits);
    }

    [Fact]
    public void Explain_SeesWhatNoSumShows_WhenMemoryAndTimeTogetherAreShort()
    {
        // The gateway holds all layers but has time for 2; the worker has time for all but holds 1.
        PlacementProblem problem = Make(workerMemory: 100).WithNode(Gateway, n => n with { BaseLoad = 880_000 });
        PlacementResult.Infeasible plain = Assert.IsType<PlacementResult.Infeasible>(PlacementSolver.Solve(problem, new SolveBudget()));
        Assert.All(plain.Reasons, r => Assert.DoesNotContain("have", r, StringComparison.Ordinal));
        ConflictResult.Conflict conflict = Explain(problem);
        Assert.Equal(["memory of worker", "utilisation of gateway"], conflict.Limits.Order());
        Assert.Contains("gateway has time for 2, of 4 layers that must run", string.Join(' ', conflict.Reasons), StringComparison.Ordinal);
    }

    [Fact]
    public void Explain_NamesTheOrigin_WhenItsEndsDoNotFit()
    {
        ConflictResult.Conflict conflict = Explain(Make() with { Ends = new EndFacts { WeightBytes = 5_000_000, PrefillMicroseconds = 0, DecodeMicroseconds = 0 } });
        Assert.StartsWith("Embedding and head need 5.0 MB on gateway", Assert.Single(conflict.Reasons), StringComparison.Ordinal);
    }

    [Fact]
    public void Explain_FindsNone_WhenOnlyWholeLayersDoNotFit()
    {
        Z3Certifier z3 = Z3.Require();
        PlacementProblem problem = Make(workerMemory: 250).WithNode(Gateway, n => n with { FreeMemoryBytes = 150 });
        Assert.IsType<PlacementResult.Infeasible>(PlacementSolver.Solve(problem, new SolveBudget()));
        Assert.True(Assert.IsType<ConflictResult.NotFound>(z3.Explain(problem, Minute, TestContext.Current.CancellationToken)).IsRelaxationFeasible);
    }

    [Fact]
    public void Explain_NeverContradictsBruteForce_AndEveryCoreIsMinimal()
    {
        Z3Certifier z3 = Z3.Require();
        int conflicts = 0;
        for (int seed = 0; seed < 200; seed++)
        {
            PlacementProblem problem = RandomProblems.Make(seed);
            if (z3.Explain(problem, Minute, TestContext.Current.CancellationToken) is ConflictResult.Conflict conflict)
            {
                conflicts++;
                Assert.True(BruteForce.Optimum(problem) is null, $"Seed {seed}: {string.Join(' ', conflict.Reasons)}, but there is a plan.");
                Assert.True(conflict.IsMinimal && conflict.Reasons.Count > 0 && conflict.Limits.Distinct().Count() == conflict.Limits.Count, $"Seed {seed}: {conflict}");
            }
        }

        Assert.True(conflicts > 10, $"Only {conflicts} conflicts.");
    }

    private static ConflictResult.Conflict Explain(PlacementProblem problem) =>
        Assert.IsType<ConflictResult.Conflict>(Z3.Require().Explain(problem, Minute, TestContext.Current.CancellationToken));
}
