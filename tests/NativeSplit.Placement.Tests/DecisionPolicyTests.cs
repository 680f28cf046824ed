using NativeSplit.Placement.Certifying;
using NativeSplit.Placement.Deciding;
using NativeSplit.Placement.Problems;
using static NativeSplit.Placement.Tests.HandProblems;

namespace NativeSplit.Placement.Tests;

public sealed class DecisionPolicyTests
{
    private static readonly PolicyOptions Options = new();

    [Fact]
    public void Decide_Keeps_WhenThePlanIsTheBest()
    {
        PlacementProblem problem = Running(Make(), Placed(Make()).Plan);
        (Decision decision, PolicyState next) = DecisionPolicy.Decide(problem, PolicyState.Initial, TimeSpan.Zero, Options);
        Assert.Equal((DecisionKind.Keep, DecisionCause.NothingBetter), (decision.Kind, decision.Cause));
        Assert.Same(problem.Migration!.Current, decision.Plan);
        Assert.NotEqual(Certifier.None, decision.CertifiedBy);
        Assert.True(decision.Gap <= Options.Delta);
        Assert.Null(next.LastChange);
    }

    [Fact]
    public void Decide_Redistributes_WhenTheBordersAreGood()
    {
        // Two equal workers, one of which got ten times slower. A TPOT that matters and layers that cost nothing to move.
        PlacementProblem problem = WithSecondWorker(Make());
        Plan current = Plan((0, 4, Worker));
        problem = Running(problem, current).WithNode(Worker, n => n with { DecodeNanosecondsPerStep = 2_000_000 });
        (Decision decision, PolicyState next) = DecisionPolicy.Decide(problem, PolicyState.Initial, TimeSpan.FromSeconds(5), Options);
        Assert.Equal((DecisionKind.Redistribute, DecisionCause.Better), (decision.Kind, decision.Cause));
        Assert.Equal([new PlanSegment(new Model.LayerRange(0, 4), new NodeId("worker-2"))], decision.Plan.Segments);
        Assert.Equal(new PlanEpoch(2), decision.Plan.Epoch);
        Assert.Equal(400, decision.BytesToMove);
        Assert.True(decision.Cost!.Total < decision.CurrentCost!.Total);
        Assert.Equal(TimeSpan.FromSeconds(5), next.LastChange);
        Assert.Equal([Worker, new NodeId("worker-2")], next.CoolUntil.Keys.Order(Comparer<NodeId>.Create((a, b) => string.CompareOrdinal(a.Value, b.Value))));
    }

    [Fact]
    public void Decide_Resplits_WhenOtherBordersAreNeeded()
    {
        PlacementProblem problem = Running(Make(workerMemory: 300), Plan((0, 4, Gateway)));
        (Decision decision, _) = DecisionPolicy.Decide(problem, PolicyState.Initial, TimeSpan.Zero, Options);
        Assert.Equal((DecisionKind.Resplit, DecisionCause.Better), (decision.Kind, decision.Cause));
        Assert.Contains(decision.BindingConstraints, c => c.StartsWith("memory of worker", StringComparison.Ordinal));
    }

    [Fact]
    public void Decide_Waits_WhileTheLastChangeIsYoung()
    {
        PlacementProblem problem = Running(Make(workerMemory: 300), Plan((0, 4, Gateway)));
        PolicyState young = new() { LastChange = TimeSpan.FromSeconds(100) };
        Assert.Equal(DecisionCause.Dwell, DecisionPolicy.Decide(problem, young, TimeSpan.FromSeconds(159.9), Options).Decision.Cause);
        Assert.Equal(DecisionKind.Resplit, DecisionPolicy.Decide(problem, young, TimeSpan.FromSeconds(160), Options).Decision.Kind);
    }

    [Fact]
    public void Decide_ReplacesAtOnce_WhenAHardRuleIsBroken()
    {
        PlacementProblem problem = Running(Make(), Plan((0, 4, Worker))).WithNode(Worker, n => n with { FreeMemoryBytes = 100 });
        PolicyState young = new() { LastChange = TimeSpan.Zero, CoolUntil = new Dictionary<NodeId, TimeSpan> { [Gateway] = TimeSpan.FromHours(1) } };
        (Decision decision, _) = DecisionPolicy.Decide(problem, young, TimeSpan.FromSeconds(1), Options);
        Assert.Equal(DecisionCause.HardViolation, decision.Cause);
        Assert.Contains("worker would need", Assert.Single(decision.Faults), StringComparison.Ordinal);
        Assert.Empty(PlacementChecker.Check(problem, decision.Plan).Faults);
    }

    [Fact]
    public void Decide_LeavesACoolingNodeAlone()
    {
        PlacementProblem problem = Running(Make(workerMemory: 300), Plan((0, 4, Gateway)));
        PolicyState cooling = new() { CoolUntil = new Dictionary<NodeId, TimeSpan> { [Worker] = TimeSpan.FromSeconds(10) } };
        Assert.Equal(DecisionKind.Keep, DecisionPolicy.Decide(problem, cooling, TimeSpan.FromSeconds(9), Options).Decision.Kind);
        (Decision decision, PolicyState next) = DecisionPolicy.Decide(problem, cooling, TimeSpan.FromSeconds(10), Options);
        Assert.Equal(DecisionKind.Resplit, decision.Kind);
        Assert.Equal(TimeSpan.FromSeconds(10) + Options.NodeCoolDown, next.CoolUntil[Worker]);
    }

    [Fact]
    public void Decide_SaysStuck_WithReasons_WhenNoPlanExists()
    {
        PlacementProblem problem = Running(Make(), Plan((0, 4, Worker))).WithNode(Worker, n => n with { FreeMemoryBytes = 100 }).WithNode(Gateway, n => n with { FreeMemoryBytes = 100 });
        (Decision decision, _) = DecisionPolicy.Decide(problem, PolicyState.Initial, TimeSpan.Zero, Options);
        Assert.Equal(DecisionKind.Stuck, decision.Kind);
        Assert.Contains(decision.Faults, f => f.StartsWith("The layers need", StringComparison.Ordinal));
    }

    [Fact]
    public void Decide_PaysBackBeforeTheHorizon_WhenItMoves()
    {
        int moved = 0;
        for (int seed = 0; seed < 200; seed++)
        {
            PlacementProblem problem = RandomProblems.MakeStrained(seed);
            problem = problem.WithNode(problem.Origin, n => n with { FreeMemoryBytes = 1000, BaseLoad = 0 }) with
            {
                Migration = new MigrationFacts { Current = Plan((0, 5, problem.Origin)), LiveKvTokens = 20_000, HorizonSeconds = 1 },
            };
            (Decision decision, _) = DecisionPolicy.Decide(problem, PolicyState.Initial, TimeSpan.Zero, Options);
            if (decision is { Cause: DecisionCause.Better, PayBack: { } time })
            {
                moved++;
                Assert.InRange(time, TimeSpan.Zero, TimeSpan.FromSeconds(1));
                Assert.True(decision.Cost!.Total <= decision.CurrentCost!.Total * 0.95, $"Seed {seed}: {decision.CurrentCost.Total} to {decision.Cost.Total}.");
            }
        }

        Assert.True(moved > 5, $"Only {moved} moves.");
    }

    [Fact]
    public void Decide_Refuses_WithoutAPlanInForce_OrWithAnAbsurdDelta()
    {
        Assert.Throws<ArgumentException>(() => DecisionPolicy.Decide(Make(), PolicyState.Initial, TimeSpan.Zero, Options));
        Assert.Throws<ArgumentOutOfRangeException>(() => DecisionPolicy.Decide(Running(Make(), Plan((0, 4, Gateway))), PolicyState.Initial, TimeSpan.Zero, Options with { Delta = 1_000_000 }));
    }

    private static PlacementProblem Running(PlacementProblem problem, Plan current) => problem with { Migration = new MigrationFacts { Current = current, LiveKvTokens = 0 } };

    private static PlacementProblem WithSecondWorker(PlacementProblem problem)
    {
        NodeId second = new("worker-2");
        return problem with
        {
            Nodes = [.. problem.Nodes, problem.Nodes[1] with { Id = second }],
            Links = [.. problem.Links, .. from n in problem.Nodes from l in new[] { new LinkFacts(n.Id, second, 299, ProblemRules.MaxBytes), new LinkFacts(second, n.Id, 299, ProblemRules.MaxBytes) } select l],
        };
    }
}
