using NativeSplit.Placement.Problems;

namespace NativeSplit.Placement.Certifying;

/// <summary>Judges multipliers: computes the lower bound that they give from the facts alone.</summary>
/// <remarks>
/// Shares no table and no loop with the search. It walks forward over (boundary, node, what is known there) in 128-bit integers, the search
/// walks backward in 64 bits with prefix sums and masks. What it proves is <see cref="DualEvidence.Bound"/>; that a plan above the bound is still
/// the best is proven by the search's own enumeration, or by a certifier.
/// </remarks>
public static class DualBoundChecker
{
    /// <summary>Says what is wrong with the evidence.</summary>
    /// <param name="problem">The problem.</param>
    /// <param name="evidence">Multipliers and the bound that they are said to give.</param>
    /// <returns>Faults in words; empty when no plan costs less than the bound.</returns>
    /// <exception cref="PlanException"><see cref="PlanFault.ProblemInvalid"/>.</exception>
    public static IReadOnlyList<string> Check(PlacementProblem problem, DualEvidence evidence)
    {
        ArgumentNullException.ThrowIfNull(evidence);
        ProblemRules.ThrowIfInvalid(problem);
        List<string> faults = [];
        CheckForm(problem, evidence, faults);
        if (faults.Count > 0)
        {
            return faults;
        }

        Int128? bound = Recompute(problem, evidence);
        if (bound is { } value && value < evidence.Bound)
        {
            faults.Add($"The multipliers give a bound of {value}, not {evidence.Bound}.");
        }

        return faults;
    }

    /// <summary>Φ in 1e-5 that no plan is below; null when the multipliers' chains show that no plan exists.</summary>
    private static Int128? Recompute(PlacementProblem problem, DualEvidence evidence)
    {
        PricedFacts facts = new(problem, evidence);
        RememberedUses uses = new(problem, evidence, facts);
        int layers = problem.Layers.Count, nodes = problem.Nodes.Count;
        var left = new Int128?[layers + 1][][];
        for (int boundary = 0; boundary <= layers; boundary++)
        {
            left[boundary] = [.. Enumerable.Range(0, nodes).Select(n => new Int128?[uses.StateCount(n)])];
        }

        for (int start = 0; start < layers; start++)
        {
            for (int n = 0; n < nodes; n++)
            {
                Int128?[] entered = Entered(facts, uses, left[start], start, n);
                foreach ((int end, Int128 cost, Int128 memory) in facts.SegmentsFrom(n, start))
                {
                    for (int state = 0; state < entered.Length; state++)
                    {
                        if (entered[state] is { } before && uses.AfterSegment(n, state, memory, end) is { } after)
                        {
                            ref Int128? upTo = ref left[end][n][after];
                            upTo = upTo <= before + cost ? upTo : before + cost;
                        }
                    }
                }
            }
        }

        Int128? best = null;
        for (int n = 0; n < nodes; n++)
        {
            foreach (Int128? upTo in left[layers][n])
            {
                best = Least(best, upTo, facts.Return(n));
            }
        }

        if (best is not { } chain)
        {
            return null;
        }

        Int128 scaled = chain + facts.Constant;
        return scaled > 0 ? (scaled + DualEvidence.Scale - 1) / DualEvidence.Scale : scaled / DualEvidence.Scale;
    }

    private static Int128?[] Entered(PricedFacts facts, RememberedUses uses, Int128?[][] left, int boundary, int n)
    {
        var entered = new Int128?[uses.StateCount(n)];
        if (boundary == 0)
        {
            entered[0] = facts.Start(n);
            return entered;
        }

        for (int from = 0; from < left.Length; from++)
        {
            if (from == n || facts.Hop(from, n) is not { } hop)
            {
                continue;
            }

            for (int state = 0; state < left[from].Length; state++)
            {
                if (left[from][state] is { } before && uses.AfterHop(from, state, n) is { } after)
                {
                    entered[after] = Least(entered[after], before, hop);
                }
            }
        }

        return entered;
    }

    private static Int128? Least(Int128? best, Int128? before, Int128? hop) =>
        before is { } b && hop is { } h && !(best <= b + h) ? b + h : best;

    private static void CheckForm(PlacementProblem problem, DualEvidence evidence, List<string> faults)
    {
        if (evidence.Nodes.Count != problem.Nodes.Count || evidence.Times.Count != 2 * problem.Requests.Count || evidence.MemoryUnitBytes < 1)
        {
            faults.Add("The evidence is of another problem: its nodes, times or memory unit don't fit.");
            return;
        }

        if (evidence.Nodes.Any(p => p.Memory < 0 || p.Load < 0 || p.Segments < 0) || evidence.Times.Any(t => t < 0))
        {
            faults.Add("A multiplier is negative.");
        }

        if (RememberedUses.FaultOf(problem, evidence) is { } fault)
        {
            faults.Add(fault);
        }

        long allRates = problem.Requests.Sum(r => r.RequestsPerKilosecond);
        for (int q = 0; q < evidence.Times.Count; q++)
        {
            RequestClass request = problem.Requests[q / 2];
            long objective = q % 2 == 0 ? request.TtftSloMicroseconds : request.TpotSloMicroseconds;
            Int128 most = (Int128)100_000 * request.RequestsPerKilosecond * problem.Weights.SloMiss * DualEvidence.Scale;
            if (evidence.Times[q] * (Int128)1000 * allRates * objective > most)
            {
                faults.Add($"The price of time {q} is above that of a µs past the SLO.");
            }
        }
    }
}
