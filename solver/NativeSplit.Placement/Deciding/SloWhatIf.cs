using System.Globalization;
using NativeSplit.Placement.Costs;
using NativeSplit.Placement.Problems;
using NativeSplit.Placement.Solving;

namespace NativeSplit.Placement.Deciding;

/// <summary>The least time that a rule's absence would allow.</summary>
/// <param name="Rule">What is left out, as "privacy".</param>
/// <param name="LeastMicroseconds">No plan is faster then, in µs.</param>
public sealed record WhatIf(string Rule, long LeastMicroseconds);

/// <summary>An SLO that the plan misses, and what stands in the way.</summary>
/// <param name="RequestClass">Name of the class.</param>
/// <param name="IsTtft">True for the time to the first token, false for the time per further token.</param>
/// <param name="ObjectiveMicroseconds">The SLO.</param>
/// <param name="PlanMicroseconds">What the plan takes.</param>
/// <param name="LeastMicroseconds">No plan that keeps the hard rules is faster.</param>
/// <param name="Without">Rules without which it could be faster.</param>
public sealed record SloShortfall(string RequestClass, bool IsTtft, long ObjectiveMicroseconds, long PlanMicroseconds, long LeastMicroseconds, IReadOnlyList<WhatIf> Without)
{
    /// <summary>As people read it: "min TTFT of 'chat' 1523 ms &gt; 1399 ms; without privacy 274 ms".</summary>
    public override string ToString()
    {
        string time = IsTtft ? "TTFT" : "TPOT";
        string head = LeastMicroseconds > ObjectiveMicroseconds
            ? $"min {time} of '{RequestClass}' {Milliseconds(LeastMicroseconds)} > {Milliseconds(ObjectiveMicroseconds)}"
            : $"{time} of '{RequestClass}' {Milliseconds(PlanMicroseconds)} > {Milliseconds(ObjectiveMicroseconds)}, though {Milliseconds(LeastMicroseconds)} could be reached at the cost of others";
        return string.Join("; ", Without.Select(w => $"without {w.Rule} {Milliseconds(w.LeastMicroseconds)}").Prepend(head));
    }

    private static string Milliseconds(long microseconds) => string.Create(CultureInfo.InvariantCulture, $"{microseconds / 1000.0:0.#} ms");
}

/// <summary>Asks the segment programme what the least time is, and what it would be without one rule.</summary>
public static class SloWhatIf
{
    private const long StepsPerQuestion = 3_000_000;

    /// <summary>Explains every SLO that a plan misses.</summary>
    /// <param name="problem">The problem.</param>
    /// <param name="plan">A plan that passes the checker.</param>
    /// <exception cref="PlanException"><see cref="PlanFault.ProblemInvalid"/>, or <see cref="PlanFault.Invalid"/>: the plan breaks a hard rule.</exception>
    public static IReadOnlyList<SloShortfall> Explain(PlacementProblem problem, Plan plan)
    {
        IReadOnlyList<long> times = TimesOf(problem, plan);
        List<SloShortfall> found = [];
        for (int q = 0; q < times.Count; q++)
        {
            RequestClass request = problem.Requests[q / 2];
            long objective = q % 2 == 0 ? request.TtftSloMicroseconds : request.TpotSloMicroseconds;
            if (times[q] > objective && Least(problem, q) is { } least)
            {
                int time = q;
                WhatIf[] without = [.. Rules(problem).Select(r => (r.Name, Least: Least(r.Without, time))).Where(r => r.Least < least).Select(r => new WhatIf(r.Name, r.Least!.Value))];
                found.Add(new SloShortfall(request.Name, q % 2 == 0, objective, times[q], least, without));
            }
        }

        return found;
    }

    /// <summary>TTFT and TPOT of each class under a plan, in µs: of class r at 2r and 2r+1.</summary>
    /// <param name="problem">The problem.</param>
    /// <param name="plan">A plan that passes the checker.</param>
    /// <exception cref="PlanException"><see cref="PlanFault.ProblemInvalid"/>, or <see cref="PlanFault.Invalid"/>: the plan breaks a hard rule.</exception>
    public static IReadOnlyList<long> TimesOf(PlacementProblem problem, Plan plan)
    {
        PlacementVerdict verdict = PlacementChecker.Check(problem, plan);
        if (verdict.Faults.Count > 0)
        {
            throw new PlanException(PlanFault.Invalid, string.Join(' ', verdict.Faults));
        }

        CostModel model = new(problem);
        long[] times = (long[])model.EndTimes.Clone();
        int from = model.Origin;
        foreach (PlanSegment segment in plan.Segments)
        {
            int node = model.IndexOf(segment.Node);
            model.Hops.AddTimes(from, node, times);
            for (int u = segment.Layers.Start; u < segment.Layers.End; u++)
            {
                model.Layers.AddTimes(node, u, times);
            }

            from = node;
        }

        model.Hops.AddReturnTimes(from, times);
        return times;
    }

    private static IEnumerable<(string Name, PlacementProblem Without)> Rules(PlacementProblem problem) =>
    [
        ("privacy", problem with
        {
            Layers = [.. problem.Layers.Select(l => l with { IsPrivacyCritical = false })],
            Requests = [.. problem.Requests.Select(r => r with { IsPrivate = false })],
        }),
        ("the memory limits", problem with { Nodes = [.. problem.Nodes.Select(n => n with { FreeMemoryBytes = ProblemRules.MaxBytes })] }),
        ("other work on the nodes", problem with { Nodes = [.. problem.Nodes.Select(n => n with { BaseLoad = 0 })] }),
    ];

    // A lower bound on the time, in µs; the exact least one when the search closes, which it nearly always does.
    private static long? Least(PlacementProblem problem, int time)
    {
        PlacementProblem only = problem with { Weights = new PlacementWeights { Latency = 0, Utilization = 0, Privacy = 0, SloMiss = 0, Migration = 0 } };
        CostModel model = new(only, onlyTime: time);
        if (model.Layers.MemoryLimit[model.Origin] < 0 || model.Layers.LoadLimit[model.Origin] < 0)
        {
            return null;
        }

        SegmentProgram program = new(model, new BudgetMeter(new SolveBudget { Steps = StepsPerQuestion }));
        SearchOutcome outcome = program.Run();
        return outcome.LowerBound == long.MaxValue ? null : outcome.LowerBound;
    }
}
