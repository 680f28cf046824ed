using NativeSplit.Placement.Deciding;
using NativeSplit.Placement.Problems;
using static NativeSplit.Placement.Tests.HandProblems;

namespace NativeSplit.Placement.Tests;

public sealed class SloWhatIfTests
{
    [Fact]
    public void Explain_SaysWhatPrivacyCosts()
    {
        // The gateway takes 4 × 1000 µs a step and 600 are wanted. The worker would take 4 × 200, and 300 for each hop: 1400.
        PlacementProblem problem = Make(isWorkerTrusted: false).WithLayers((l, _) => l with { IsPrivacyCritical = true });
        problem = problem with { Requests = [problem.Requests[0] with { TpotSloMicroseconds = 600 }] };
        SloShortfall shortfall = Assert.Single(SloWhatIf.Explain(problem, Placed(problem).Plan));
        Assert.Equal("min TPOT of 'chat' 4 ms > 0.6 ms; without privacy 1.4 ms", shortfall.ToString());
    }

    [Fact]
    public void Explain_SaysNothing_WhenEverySloIsKept() => Assert.Empty(SloWhatIf.Explain(Make(), Placed(Make()).Plan));

    [Fact]
    public void Explain_RefusesAPlanThatBreaksARule() =>
        Assert.Equal(PlanFault.Invalid, Assert.Throws<PlanException>(() => SloWhatIf.Explain(Make(workerMemory: 100), Plan((0, 4, Worker)))).Fault);

    [Fact]
    public void Explain_EqualsBruteForce_OnSmallProblems()
    {
        int found = 0;
        for (int seed = 0; seed < 200; seed++)
        {
            PlacementProblem problem = RandomProblems.MakeStrained(seed);
            if (PlacementSolver.Solve(problem, new SolveBudget()) is not PlacementResult.Placed answer)
            {
                continue;
            }

            foreach (SloShortfall shortfall in SloWhatIf.Explain(problem, answer.Plan))
            {
                found++;
                int q = (2 * problem.Requests.ToList().FindIndex(r => r.Name == shortfall.RequestClass)) + (shortfall.IsTtft ? 0 : 1);
                Assert.True(BruteForce.LeastTime(problem, q) == shortfall.LeastMicroseconds, $"Seed {seed}: {shortfall}, brute force says {BruteForce.LeastTime(problem, q)}.");
            }
        }

        Assert.True(found > 20, $"Only {found} SLOs were missed.");
    }
}
