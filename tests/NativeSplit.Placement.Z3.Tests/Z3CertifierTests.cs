using NativeSplit.Placement.Certifying;
using NativeSplit.Placement.Problems;
using NativeSplit.Placement.Tests;

namespace NativeSplit.Placement.Z3.Tests;

public sealed class Z3CertifierTests
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    [Fact]
    public void Ask_RefutesLessThanTheOptimum_AndFindsTheOptimum_OnSmallProblems()
    {
        Z3Certifier z3 = Z3.Require();
        int asked = 0;
        for (int seed = 0; seed < 300; seed++)
        {
            PlacementProblem problem = seed % 2 == 0 ? RandomProblems.Make(seed) : RandomProblems.MakeStrained(seed);
            if (PlacementSolver.Solve(problem, new SolveBudget()) is not PlacementResult.Placed answer || BruteForce.Optimum(problem) is not { } optimum)
            {
                continue;
            }

            CertificateResult below = z3.Ask(problem, answer, optimum - 1, Minute, TestContext.Current.CancellationToken);
            Assert.True(below is CertificateResult.Refuted, $"Seed {seed}: {below} below the optimum {optimum}.");
            asked += below is CertificateResult.Refuted { By: Certifier.Z3 } ? 1 : 0;
            CertificateResult at = z3.Ask(problem, answer, optimum, Minute, TestContext.Current.CancellationToken);
            Assert.True(at is CertificateResult.Improved better && better.Better.Cost.Total == optimum, $"Seed {seed}: {at} at the optimum {optimum}.");
        }

        Assert.True(asked > 20, $"Z3 was needed {asked} times.");
    }

    [Fact]
    public void Ask_CertifiesTheWholeProblem_WithoutMultipliers()
    {
        // All prices at zero: nothing couples segments in the bound, so Z3 has nearly the whole problem to itself.
        Z3Certifier z3 = new(TimeProvider.System) { TighteningSteps = 0 };
        Assert.SkipWhen(z3.Missing is not null, z3.Missing ?? string.Empty);
        for (int seed = 0; seed < 60; seed++)
        {
            PlacementProblem problem = RandomProblems.MakeStrained(seed);
            if (PlacementSolver.Solve(problem, new SolveBudget()) is PlacementResult.Placed answer)
            {
                PlacementResult.Placed free = Free(problem, answer);
                long optimum = BruteForce.Optimum(problem)!.Value;
                Assert.IsType<CertificateResult.Refuted>(z3.Ask(problem, free, optimum - 1, Minute, TestContext.Current.CancellationToken));
                Assert.Equal(optimum, Assert.IsType<CertificateResult.Improved>(z3.Ask(problem, free, optimum, Minute, TestContext.Current.CancellationToken)).Better.Cost.Total);
            }
        }
    }

    [Fact]
    public void Ask_RefutesLessThanTheOptimum_WhenTheClusterIsOfUsualSize()
    {
        Z3Certifier z3 = Z3.Require();
        for (int seed = 0; seed < 4; seed++)
        {
            PlacementProblem problem = EdgeClusters.Make(32, 4, seed, 130);
            PlacementResult.Placed answer = Assert.IsType<PlacementResult.Placed>(PlacementSolver.Solve(problem, new SolveBudget()));
            CertificateResult below = z3.Ask(problem, answer, answer.Cost.Total - 1, Minute, TestContext.Current.CancellationToken);
            Assert.True(below is CertificateResult.Refuted, $"Seed {seed}: {below}");
        }
    }

    [Theory]
    [InlineData(24, 3, 200)]
    [InlineData(32, 4, 130)]
    public void Ask_NeverContradictsTheProgramme_WithoutElimination(int layers, int nodes, int roomPercent)
    {
        // All multipliers at zero: what is left is nearly the whole problem. Z3 may give up, but not disagree.
        Z3Certifier z3 = new(TimeProvider.System) { TighteningSteps = 0 };
        Assert.SkipWhen(z3.Missing is not null, z3.Missing ?? string.Empty);
        for (int seed = 0; seed < 2; seed++)
        {
            PlacementProblem problem = EdgeClusters.Make(layers, nodes, seed, roomPercent);
            PlacementResult.Placed answer = Assert.IsType<PlacementResult.Placed>(PlacementSolver.Solve(problem, new SolveBudget()));
            CertificateResult below = z3.Ask(problem, Free(problem, answer), answer.Cost.Total - 1, TimeSpan.FromSeconds(2), TestContext.Current.CancellationToken);
            Assert.False(below is CertificateResult.Improved or CertificateResult.Skipped, $"Seed {seed}: {below} below {answer.Cost.Total}.");
            CertificateResult at = z3.Ask(problem, Free(problem, answer), answer.Cost.Total, TimeSpan.FromSeconds(2), TestContext.Current.CancellationToken);
            Assert.True(at is CertificateResult.OutOfTime || (at is CertificateResult.Improved found && found.Better.Cost.Total == answer.Cost.Total), $"Seed {seed}: {at} at {answer.Cost.Total}.");
        }
    }

    [Fact]
    public void Ask_SaysOutOfTime_WhenCancelled()
    {
        Z3Certifier z3 = Z3.Require();
        (PlacementProblem problem, PlacementResult.Placed answer) = Hard();
        CertificateResult result = z3.Ask(problem, Free(problem, answer), answer.Cost.Total - 1, Minute, new CancellationToken(canceled: true));
        Assert.True(Assert.IsType<CertificateResult.OutOfTime>(result).WasCancelled);
    }

    [Fact(Timeout = 60_000)]
    public async Task Ask_Ends_WhenCancelledInFlight()
    {
        Z3Certifier z3 = new(TimeProvider.System) { TighteningSteps = 0 };
        Assert.SkipWhen(z3.Missing is not null, z3.Missing ?? string.Empty);
        (PlacementProblem problem, PlacementResult.Placed answer) = Hard();
        using CancellationTokenSource cancel = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        Task<CertificateResult> asked = Task.Run(() => z3.Ask(problem, Free(problem, answer), answer.Cost.Total - 1, TimeSpan.FromMinutes(10), cancel.Token), TestContext.Current.CancellationToken);
        await Task.Delay(200, TestContext.Current.CancellationToken);
        await cancel.CancelAsync();
        Assert.True(await asked is CertificateResult.OutOfTime { WasCancelled: true } or CertificateResult.Refuted);
    }

    [Fact]
    public void Ask_SaysOutOfTime_WhenTheTimeIsShort()
    {
        Z3Certifier z3 = Z3.Require();
        (PlacementProblem problem, PlacementResult.Placed answer) = Hard();
        CertificateResult result = z3.Ask(problem, Free(problem, answer), answer.Cost.Total - 1, TimeSpan.FromTicks(1), TestContext.Current.CancellationToken);
        Assert.False(Assert.IsType<CertificateResult.OutOfTime>(result).WasCancelled);
    }

    [Fact]
    public void Ask_Skips_WhenTooManySegmentsAreLeft()
    {
        Z3Certifier z3 = Z3.Require();
        PlacementProblem problem = EdgeClusters.Make(80, 16, 0, 200);
        PlacementResult.Placed answer = Assert.IsType<PlacementResult.Placed>(PlacementSolver.Solve(problem, new SolveBudget { AcceptedGap = 100_000 }));
        CertificateResult.Skipped skipped = Assert.IsType<CertificateResult.Skipped>(z3.Ask(problem, Free(problem, answer), 2 * answer.Cost.Total, Minute, TestContext.Current.CancellationToken));
        Assert.True(skipped.CandidateCount > skipped.Limit);
    }

    [Fact]
    public void Ask_SaysHowToInstall_WhenTheLibraryIsMissing()
    {
        string? missing = Interop.Z3Library.Load("/nowhere/libz3.so").Missing;
        Assert.Contains("apt-get install libz3-4", missing, StringComparison.Ordinal);
        Assert.Contains("/nowhere/libz3.so", missing, StringComparison.Ordinal);
        (PlacementProblem problem, PlacementResult.Placed answer) = Hard();
        Z3Certifier none = new(TimeProvider.System, missing);
        CertificateResult result = none.Ask(problem, answer, answer.Cost.Total, Minute, TestContext.Current.CancellationToken);
        Assert.Equal(missing, Assert.IsType<CertificateResult.Unavailable>(result).Reason);
        Assert.IsType<ConflictResult.Unavailable>(none.Explain(problem, Minute, TestContext.Current.CancellationToken));
    }

    [Fact]
    public void Ask_RefusesEvidenceOfAnotherProblem()
    {
        (PlacementProblem problem, PlacementResult.Placed answer) = Hard();
        Z3Certifier z3 = new(TimeProvider.System);
        Assert.Throws<ArgumentException>(() => z3.Ask(problem, answer with { Evidence = answer.Evidence! with { Nodes = [] } }, 1, Minute, TestContext.Current.CancellationToken));
        Assert.Throws<ArgumentException>(() => z3.Ask(problem, answer with { Evidence = answer.Evidence! with { Remembered = [[0]] } }, 1, Minute, TestContext.Current.CancellationToken));
    }

    [Fact]
    public void Ask_MayRunOnManyThreads()
    {
        Z3Certifier z3 = Z3.Require();
        Parallel.For(0, 16, seed =>
        {
            PlacementProblem problem = RandomProblems.MakeStrained(seed);
            if (PlacementSolver.Solve(problem, new SolveBudget()) is PlacementResult.Placed answer)
            {
                Assert.IsType<CertificateResult.Refuted>(z3.Ask(problem, Free(problem, answer), answer.Cost.Total - 1, Minute, TestContext.Current.CancellationToken));
            }
        });
    }

    private static (PlacementProblem Problem, PlacementResult.Placed Answer) Hard()
    {
        PlacementProblem problem = EdgeClusters.Make(32, 4, 1, 130);
        return (problem, Assert.IsType<PlacementResult.Placed>(PlacementSolver.Solve(problem, new SolveBudget())));
    }

    private static PlacementResult.Placed Free(PlacementProblem problem, PlacementResult.Placed answer) => answer with
    {
        Evidence = answer.Evidence! with
        {
            Nodes = [.. problem.Nodes.Select(_ => default(NodePrices))],
            Times = [.. answer.Evidence.Times.Select(_ => 0L)],
            Remembered = [.. problem.Nodes.Select(_ => Array.Empty<int>())],
            Bound = 0,
        },
    };
}
