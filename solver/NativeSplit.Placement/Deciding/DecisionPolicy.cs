using NativeSplit.Placement.Certifying;
using NativeSplit.Placement.Costs;
using NativeSplit.Placement.Problems;
using NativeSplit.Placement.Solving;

namespace NativeSplit.Placement.Deciding;

/// <summary>Decides each cycle: keep the plan in force, give its segments to other nodes, or split anew. Pure: same input, same decision.</summary>
/// <remarks>
/// Hysteresis in three ways: a change must better Φ, migration included, by δ; changes are a dwell time apart; and a node whose layers just
/// changed takes no new one for a while. A plan that breaks a hard rule is replaced at once, by the best one, whatever the hysteresis says.
/// </remarks>
public static class DecisionPolicy
{
    /// <summary>Decides.</summary>
    /// <param name="problem">The cluster and load as they are now, with the plan in force as <see cref="PlacementProblem.Migration"/>.</param>
    /// <param name="state">What the last call returned; <see cref="PolicyState.Initial"/> at first.</param>
    /// <param name="now">Time on a clock that never goes back.</param>
    /// <param name="options">Thresholds.</param>
    /// <returns>The decision, and the state to pass to the next call, provided the decision is carried out.</returns>
    /// <exception cref="PlanException"><see cref="PlanFault.ProblemInvalid"/>.</exception>
    /// <exception cref="ArgumentException">The problem has no plan in force, or an option is out of range.</exception>
    public static (Decision Decision, PolicyState Next) Decide(PlacementProblem problem, PolicyState state, TimeSpan now, PolicyOptions options)
    {
        ArgumentNullException.ThrowIfNull(problem);
        ArgumentNullException.ThrowIfNull(state);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfNegative(options.Delta);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(options.Delta, 1_000_000);
        if (problem.Migration is not { } migration)
        {
            throw new ArgumentException("There is no plan in force to decide about; a first plan comes from the solver.", nameof(problem));
        }

        PolicyState still = Prune(state, now);
        PlacementVerdict current = PlacementChecker.Check(problem, migration.Current);
        if (current.Cost is not { } cost)
        {
            return Replace(problem, still, now, options, current.Faults);
        }

        if (still.LastChange is { } last && now - last < options.Dwell)
        {
            return (Kept(problem, cost, DecisionCause.Dwell, 0, Certifier.None), still);
        }

        return Weigh(problem, Cooled(problem, still), cost, still, now, options);
    }

    private static (Decision, PolicyState) Weigh(PlacementProblem problem, PlacementProblem cooled, CostBreakdown current, PolicyState state, TimeSpan now, PolicyOptions options)
    {
        long goal = current.Total - (long)((Int128)current.Total * options.Delta / 1_000_000);

        // The search starts from the plan in force, so this gap proves that nothing is better by δ, or finds what is.
        BudgetMeter meter = new(options.Budget with { AcceptedGap = options.Delta });
        (PlacementResult quick, _) = PlacementSolver.Search(cooled, meter, warm: state.Prices);
        (PlacementResult.Placed? best, long bound) = Best(quick);
        state = state with { Prices = best?.Evidence ?? state.Prices };
        if (best is null || best.Cost.Total >= goal)
        {
            bool isProven = bound >= goal;
            return (Kept(problem, current, isProven ? DecisionCause.NothingBetter : DecisionCause.NothingFound, bound, ProverOf(best, bound)), state);
        }

        SolveBudget rest = options.Budget with { AcceptedGap = Math.Min(options.Budget.AcceptedGap, options.Delta) };
        (PlacementResult.Placed? other, _) = Best(PlacementSolver.Redistribute(cooled, problem.Migration!.Current, rest));
        bool isEnough = other is not null && other.Cost.Total < goal && other.Cost.Total - (long)((Int128)other.Cost.Total * options.Delta / 1_000_000) <= best.Cost.Total;
        PlacementResult.Placed chosen = isEnough ? other! : best;
        return Change(problem, isEnough ? DecisionKind.Redistribute : Kind(problem, chosen.Plan), DecisionCause.Better, chosen with { LowerBound = Math.Min(bound, chosen.Cost.Total) }, current, [], state, now, options);
    }

    private static (Decision, PolicyState) Replace(PlacementProblem problem, PolicyState state, TimeSpan now, PolicyOptions options, IReadOnlyList<string> faults)
    {
        PlacementProblem cooled = Cooled(problem, state);
        PlacementResult result = PlacementSolver.Solve(cooled, options.Budget);
        if (Best(result).Best is null && !ReferenceEquals(cooled, problem))
        {
            result = PlacementSolver.Solve(problem, options.Budget);
        }

        if (Best(result).Best is { } best)
        {
            return Change(problem, Kind(problem, best.Plan), DecisionCause.HardViolation, best, null, faults, state, now, options);
        }

        Plan plan = problem.Migration!.Current;
        return (new Decision
        {
            Kind = DecisionKind.Stuck,
            Cause = DecisionCause.HardViolation,
            Plan = plan,
            Cost = null,
            CurrentCost = null,
            LowerBound = 0,
            Gap = 0,
            CertifiedBy = result is PlacementResult.Infeasible ? Certifier.Programme : Certifier.None,
            Faults = result is PlacementResult.Infeasible none ? [.. faults, .. none.Reasons] : faults,
            BindingConstraints = [],
            BytesToMove = 0,
            PayBack = null,
        }, state);
    }

    private static (Decision, PolicyState) Change(
        PlacementProblem problem, DecisionKind kind, DecisionCause cause, PlacementResult.Placed chosen, CostBreakdown? current, IReadOnlyList<string> faults, PolicyState state, TimeSpan now, PolicyOptions options)
    {
        Move move = Move.Between(problem, chosen.Plan);
        Dictionary<NodeId, TimeSpan> cool = new(state.CoolUntil);
        foreach (NodeId node in move.Nodes)
        {
            cool[node] = now + options.NodeCoolDown;
        }

        Decision decision = new()
        {
            Kind = kind,
            Cause = cause,
            Plan = chosen.Plan,
            Cost = chosen.Cost,
            CurrentCost = current,
            LowerBound = chosen.LowerBound,
            Gap = chosen.Gap,
            CertifiedBy = ProverOf(chosen, chosen.LowerBound),
            Faults = faults,
            BindingConstraints = Deciding.BindingConstraints.Of(problem with { Migration = null, Nodes = [.. problem.Nodes.Select(n => n with { AcceptsLayers = true })] }, chosen.Plan),
            BytesToMove = move.Bytes,
            PayBack = PayBack(problem.Migration!, chosen.Cost, current),
        };
        return (decision, state with { LastChange = now, CoolUntil = cool });
    }

    private static Decision Kept(PlacementProblem problem, CostBreakdown cost, DecisionCause cause, long bound, Certifier prover) => new()
    {
        Kind = DecisionKind.Keep,
        Cause = cause,
        Plan = problem.Migration!.Current,
        Cost = cost,
        CurrentCost = cost,
        LowerBound = Math.Min(bound, cost.Total),
        Gap = cost.Total == 0 ? 0 : (long)((Int128)(cost.Total - Math.Min(bound, cost.Total)) * 1_000_000 / cost.Total),
        CertifiedBy = prover,
        Faults = [],
        BindingConstraints = [],
        BytesToMove = 0,
        PayBack = null,
    };

    private static Certifier ProverOf(PlacementResult.Placed? best, long bound) =>
        bound <= 0 ? Certifier.None : best?.Evidence is { } evidence && evidence.Bound >= bound ? Certifier.DualBound : Certifier.Programme;

    private static DecisionKind Kind(PlacementProblem problem, Plan plan) =>
        plan.Segments.Select(s => s.Layers).SequenceEqual(problem.Migration!.Current.Segments.Select(s => s.Layers)) ? DecisionKind.Redistribute : DecisionKind.Resplit;

    private static (PlacementResult.Placed? Best, long Bound) Best(PlacementResult result) => result switch
    {
        PlacementResult.Placed placed => (placed, placed.LowerBound),
        PlacementResult.OutOfTime late => (late.Best, late.LowerBound),
        _ => (null, 0),
    };

    // Migration is a share of the horizon: cost M per horizon H against a gain of G per horizon pays back after H·M/G.
    private static TimeSpan? PayBack(MigrationFacts migration, CostBreakdown chosen, CostBreakdown? current)
    {
        if (current is null || chosen.Migration == 0)
        {
            return null;
        }

        long gain = current.Total - (chosen.Total - chosen.Migration);
        return TimeSpan.FromSeconds(migration.HorizonSeconds * (double)chosen.Migration / gain);
    }

    private static PolicyState Prune(PolicyState state, TimeSpan now) => state.CoolUntil.Values.All(until => until > now)
        ? state
        : state with { CoolUntil = state.CoolUntil.Where(c => c.Value > now).ToDictionary(c => c.Key, c => c.Value) };

    private static PlacementProblem Cooled(PlacementProblem problem, PolicyState state) => problem.Nodes.Any(n => state.CoolUntil.ContainsKey(n.Id))
        ? problem with { Nodes = [.. problem.Nodes.Select(n => state.CoolUntil.ContainsKey(n.Id) ? n with { AcceptsLayers = false } : n)] }
        : problem;
}
