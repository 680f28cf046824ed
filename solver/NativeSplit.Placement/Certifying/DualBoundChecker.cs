using NativeSplit.Placement.Problems;

namespace NativeSplit.Placement.Certifying;

/// <summary>Judges multipliers: computes the lower bound that they give from the facts alone.</summary>
/// <remarks>
/// Shares no table and no loop with the search. It walks forward over (used tracked nodes, node, boundary) in 128-bit integers, the search
/// walks backward in 64 bits with prefix sums. What it proves is <see cref="DualEvidence.Bound"/>; that a plan above the bound is still
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
        int layers = problem.Layers.Count, nodes = problem.Nodes.Count, masks = 1 << evidence.TrackedNodes.Count;
        Int128?[,,] left = new Int128?[layers + 1, masks, nodes];
        Int128? best = null;
        for (int start = 0; start < layers; start++)
        {
            for (int n = 0; n < nodes; n++)
            {
                int bit = facts.BitOf(n);
                for (int mask = 0; mask < masks; mask++)
                {
                    if ((mask & bit) != bit || Entered(facts, left, start, mask, n) is not { } before)
                    {
                        continue;
                    }

                    foreach ((int end, Int128 cost) in facts.SegmentsFrom(n, start))
                    {
                        Int128 upTo = before + cost;
                        left[end, mask, n] = left[end, mask, n] is { } other && other <= upTo ? other : upTo;
                    }
                }
            }
        }

        for (int n = 0; n < nodes; n++)
        {
            for (int mask = 0; mask < masks; mask++)
            {
                if (left[layers, mask, n] is { } upTo && facts.Return(n) is { } back && !(best <= upTo + back))
                {
                    best = upTo + back;
                }
            }
        }

        if (best is not { } chain)
        {
            return null;
        }

        Int128 scaled = chain + facts.Constant;
        return scaled > 0 ? (scaled + DualEvidence.Scale - 1) / DualEvidence.Scale : scaled / DualEvidence.Scale;
    }

    private static Int128? Entered(PricedFacts facts, Int128?[,,] left, int boundary, int mask, int n)
    {
        int bit = facts.BitOf(n);
        if (boundary == 0)
        {
            return mask == bit ? facts.Start(n) : null;
        }

        Int128? best = null;
        for (int from = 0; from < left.GetLength(2); from++)
        {
            Int128? before = left[boundary, mask & ~bit, from];
            if (bit == 0 || facts.BitOf(from) != bit)
            {
                best = Least(best, before, from == n ? null : facts.Hop(from, n));
            }
        }

        return best;
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

        if (evidence.TrackedNodes.Count > 8 || evidence.TrackedNodes.Distinct().Count() != evidence.TrackedNodes.Count
            || evidence.TrackedNodes.Any(n => n < 0 || n >= problem.Nodes.Count || problem.Nodes[n].IsTrusted))
        {
            faults.Add("A tracked node is no untrusted node, or is named twice, or there are more than 8.");
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
