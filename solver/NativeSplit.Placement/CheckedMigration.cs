using NativeSplit.Placement.Costs;
using NativeSplit.Placement.Problems;

namespace NativeSplit.Placement;

/// <summary>What the move from the plan in force costs; finds layers that can't be moved.</summary>
internal static class CheckedMigration
{
    /// <summary>Cost in 1e-5; adds a fault for each layer that has no way.</summary>
    public static long Cost(PlacementProblem problem, Plan plan, List<string> faults)
    {
        if (problem.Migration is not { } facts)
        {
            return 0;
        }

        Int128 horizon = (Int128)1_000_000 * facts.HorizonSeconds;
        long sum = 0;
        foreach (PlanSegment segment in plan.Segments)
        {
            for (int u = segment.Layers.Start; u < segment.Layers.End; u++)
            {
                NodeId? holder = facts.Current.Segments.LastOrDefault(s => s.Layers.Contains(u))?.Node;
                if (holder == segment.Node)
                {
                    continue;
                }

                LinkFacts? link = problem.Links.FirstOrDefault(l => l.From == holder && l.To == segment.Node);
                if (link is null && segment.Node == problem.Origin)
                {
                    continue;
                }

                link ??= problem.Links.FirstOrDefault(l => l.From == problem.Origin && l.To == segment.Node);
                Int128 bytes = problem.Layers[u].WeightBytes + ((Int128)problem.Layers[u].KvBytesPerToken * facts.LiveKvTokens);
                Int128 time = link is null ? Int128.MaxValue : ((bytes * 1_000_000) + link.BytesPerSecond - 1) / link.BytesPerSecond;
                if (time > CostModel.UsableSloMultiple * horizon)
                {
                    faults.Add($"Layer {u} can't be brought to {segment.Node}: no usable link from its holder or the origin.");
                    continue;
                }

                sum += Rational.Nearest((Int128)100_000 * problem.Weights.Migration * time, 1000 * horizon);
            }
        }

        return sum;
    }
}
