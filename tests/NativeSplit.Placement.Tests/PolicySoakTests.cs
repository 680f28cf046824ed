using System.Globalization;
using NativeSplit.Placement.Deciding;
using NativeSplit.Placement.Problems;

namespace NativeSplit.Placement.Tests;

/// <summary>Tests that measure the process's memory: nothing runs beside them.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class AloneCollection
{
    /// <summary>Name of the collection.</summary>
    public const string Name = "Alone";
}

/// <summary>A cluster that drifts at random, cycle after cycle. <c>NATIVESPLIT_SOAK_CYCLES</c> sets how many; 20,000 by default.</summary>
[Collection(AloneCollection.Name)]
public sealed class PolicySoakTests
{
    private static readonly TimeSpan Cycle = TimeSpan.FromSeconds(1);

    [Fact]
    public void Decide_NeverFlaps_AndGrowsNoState_WhileTheClusterDrifts()
    {
        int cycles = int.Parse(Environment.GetEnvironmentVariable("NATIVESPLIT_SOAK_CYCLES") ?? "20000", CultureInfo.InvariantCulture);
        PolicyOptions options = new() { Budget = new SolveBudget { Steps = 200_000 } };
        (PlacementProblem problem, Plan plan) = Enumerable.Range(0, 100).Select(RandomProblems.MakeStrained)
            .Select(p => (p, (PlacementSolver.Solve(p, new SolveBudget()) as PlacementResult.Placed)?.Plan)).Where(p => p.Plan is not null).Select(p => (p.p, p.Plan!)).First();
        PolicyState state = PolicyState.Initial;
        Random random = new(17);
        int changes = 0, forced = 0, stuck = 0;
        TimeSpan? lastChange = null;
        long before = 0;
        for (int i = 0; i < cycles; i++)
        {
            TimeSpan now = i * Cycle;
            problem = Drift(problem, random) with { Migration = new MigrationFacts { Current = plan, LiveKvTokens = 10, HorizonSeconds = 1 } };
            (Decision decision, state) = DecisionPolicy.Decide(problem, state, now, options);
            Assert.True(state.CoolUntil.Count <= problem.Nodes.Count, $"Cycle {i}: {state.CoolUntil.Count} nodes are remembered.");
            if (decision.Kind is DecisionKind.Redistribute or DecisionKind.Resplit)
            {
                Assert.True(decision.Cause == DecisionCause.HardViolation || lastChange is null || now - lastChange >= options.Dwell, $"Cycle {i}: changed {now - lastChange} after the last change.");
                Assert.True(PlacementChecker.Check(problem, decision.Plan).Faults.Count == 0, $"Cycle {i}: a bad plan.");
                Assert.Equal(plan.Epoch.Value + 1, decision.Plan.Epoch.Value);
                changes++;
                forced += decision.Cause == DecisionCause.HardViolation ? 1 : 0;
                lastChange = now;
            }

            stuck += decision.Kind == DecisionKind.Stuck ? 1 : 0;
            plan = decision.Plan;
            if (i == cycles / 2)
            {
                before = GC.GetTotalMemory(forceFullCollection: true);
            }
        }

        long grown = GC.GetTotalMemory(forceFullCollection: true) - before;
        Assert.True(grown < 1_000_000, $"{grown} bytes more after the second half.");
        Assert.True(changes - forced > cycles / 5000 && forced > 0, $"{changes} changes, {forced} forced, {stuck} stuck: the drift tests nothing.");
    }

    // Walks that come back: base load, speed and memory of each node, and the rate of requests.
    private static PlacementProblem Drift(PlacementProblem problem, Random random) => problem with
    {
        Nodes = [.. problem.Nodes.Select(n => n with
        {
            BaseLoad = Walk(random, n.BaseLoad, 20_000, 0, 500_000),
            DecodeNanosecondsPerStep = Walk(random, (int)n.DecodeNanosecondsPerStep, 300_000, 500_000, 8_000_000),
            FreeMemoryBytes = Walk(random, (int)n.FreeMemoryBytes, 8, 220, 500),
        })],
        Requests = [.. problem.Requests.Select(r => r with { RequestsPerKilosecond = Walk(random, (int)r.RequestsPerKilosecond, 50, 200, 2500) })],
    };

    private static int Walk(Random random, int value, int step, int low, int high) => Math.Clamp(value + random.Next(-step, step + 1), low, high);
}
