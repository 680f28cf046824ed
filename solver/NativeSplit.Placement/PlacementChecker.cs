using NativeSplit.Placement.Costs;
using NativeSplit.Placement.Problems;

namespace NativeSplit.Placement;

/// <summary>Judges a plan against a problem: tiling, links, trust, memory, utilisation, and the cost from first principles.</summary>
/// <remarks>Shares no table and no loop with <see cref="CostModel"/>: it reads the facts and computes each formula of <c>docs/placement.md</c> anew.</remarks>
public static class PlacementChecker
{
    /// <summary>Checks every hard rule and computes the cost.</summary>
    /// <exception cref="PlanException"><see cref="PlanFault.ProblemInvalid"/>.</exception>
    public static PlacementVerdict Check(PlacementProblem problem, Plan plan)
    {
        ArgumentNullException.ThrowIfNull(plan);
        ProblemRules.ThrowIfInvalid(problem);
        HashSet<NodeId> trusted = [.. problem.Nodes.Where(n => n.IsTrusted).Select(n => n.Id)];
        List<string> faults = [.. PlanChecker.Check(plan, problem.Layers.Count, trusted)];
        foreach (PlanSegment segment in plan.Segments)
        {
            if (problem.Nodes.All(n => n.Id != segment.Node))
            {
                faults.Add($"Node {segment.Node} isn't part of the problem.");
            }
        }

        if (faults.Count > 0)
        {
            return new PlacementVerdict(faults, null);
        }

        CheckTrust(problem, plan, faults);
        CheckNewcomers(problem, plan, faults);
        CheckMemory(problem, plan, faults);
        CheckedTimes times = new(problem, plan, faults);
        CheckLoad(problem, plan, faults, out long utilization);
        long migration = CheckedMigration.Cost(problem, plan, faults);
        return faults.Count > 0
            ? new PlacementVerdict(faults, null)
            : new PlacementVerdict(faults, new CostBreakdown(times.Latency, times.SloMiss, utilization, PrivacyCost(problem, plan), migration));
    }

    private static NodeFacts Node(PlacementProblem problem, NodeId id) => problem.Nodes.First(n => n.Id == id);

    private static IEnumerable<int> LayersOf(PlanSegment segment) => Enumerable.Range(segment.Layers.Start, segment.Layers.Count);

    private static void CheckTrust(PlacementProblem problem, Plan plan, List<string> faults)
    {
        string? privateClass = problem.Requests.FirstOrDefault(r => r.IsPrivate)?.Name;
        foreach (PlanSegment segment in plan.Segments)
        {
            if (Node(problem, segment.Node).IsTrusted)
            {
                continue;
            }

            if (privateClass is not null)
            {
                faults.Add($"Node {segment.Node} isn't trusted, but requests of '{privateClass}' are private.");
            }
            else if (LayersOf(segment).Any(u => problem.Layers[u].IsPrivacyCritical))
            {
                faults.Add($"Node {segment.Node} isn't trusted, but layer {LayersOf(segment).First(u => problem.Layers[u].IsPrivacyCritical)} is privacy-critical.");
            }
        }
    }

    private static void CheckNewcomers(PlacementProblem problem, Plan plan, List<string> faults)
    {
        foreach (PlanSegment segment in plan.Segments.Where(s => !Node(problem, s.Node).AcceptsLayers))
        {
            PlanSegment[] kept = [.. problem.Migration?.Current.Segments.Where(s => s.Node == segment.Node) ?? []];
            if (LayersOf(segment).Any(u => !kept.Any(s => s.Layers.Contains(u))))
            {
                faults.Add($"Node {segment.Node} takes no new layer, but layer {LayersOf(segment).First(u => !kept.Any(s => s.Layers.Contains(u)))} isn't there yet.");
            }
        }
    }

    private static void CheckMemory(PlacementProblem problem, Plan plan, List<string> faults)
    {
        foreach (NodeFacts node in problem.Nodes)
        {
            long need = node.Id == problem.Origin ? problem.Ends.WeightBytes : 0;
            foreach (PlanSegment segment in plan.Segments.Where(s => s.Node == node.Id))
            {
                need += LayersOf(segment).Sum(u => problem.Layers[u].WeightBytes + (problem.Layers[u].KvBytesPerToken * problem.KvReserveTokens));
            }

            if (need > node.FreeMemoryBytes)
            {
                faults.Add($"Node {node.Id} would need {Words.Bytes(need)} of memory and has {Words.Bytes(node.FreeMemoryBytes)} free.");
            }
        }
    }

    private static void CheckLoad(PlacementProblem problem, Plan plan, List<string> faults, out long utilization)
    {
        utilization = 0;
        foreach (NodeFacts node in problem.Nodes)
        {
            var segments = plan.Segments.Where(s => s.Node == node.Id).ToList();
            bool isOrigin = node.Id == problem.Origin;
            if (segments.Count == 0 && !isOrigin)
            {
                continue;
            }

            Int128 before = node.BaseLoad + (isOrigin ? LoadOf(problem, _ => (problem.Ends.PrefillMicroseconds, problem.Ends.DecodeMicroseconds)) : 0);
            Int128 added = 0;
            foreach (int u in segments.SelectMany(LayersOf))
            {
                added += LoadOf(problem, request => CheckedTimes.OfLayer(node, problem.Layers[u], request));
            }

            if (before + added > UtilizationCurve.MaxLoad)
            {
                faults.Add($"Node {node.Id} would be {Words.Percent(before + added)} busy; the limit is {Words.Percent(UtilizationCurve.MaxLoad)}.");
            }
            else
            {
                utilization += UtilizationCurve.Added(problem.Weights.Utilization, (long)before, (long)added);
            }
        }
    }

    private static Int128 LoadOf(PlacementProblem problem, Func<RequestClass, (Int128 Prefill, Int128 Decode)> times)
    {
        Int128 sum = 0;
        foreach (RequestClass request in problem.Requests)
        {
            (Int128 prefill, Int128 decode) = times(request);
            sum += request.RequestsPerKilosecond * (prefill + ((request.OutputTokens - 1) * decode));
        }

        return (sum + 999) / 1000;
    }

    private static long PrivacyCost(PlacementProblem problem, Plan plan) =>
        plan.Segments.Where(s => !Node(problem, s.Node).IsTrusted).SelectMany(LayersOf)
            .Sum(u => Rational.Nearest((Int128)problem.Weights.Privacy * problem.Layers[u].Sensitivity, 1000));
}
