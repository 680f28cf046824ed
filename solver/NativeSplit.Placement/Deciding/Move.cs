using NativeSplit.Placement.Problems;

namespace NativeSplit.Placement.Deciding;

/// <summary>What changes its node between the plan in force and another.</summary>
/// <param name="Bytes">Weights and live KV of the layers that move.</param>
/// <param name="Nodes">Nodes that lose or get a layer.</param>
public sealed record Move(long Bytes, IReadOnlySet<NodeId> Nodes)
{
    /// <summary>Compares.</summary>
    /// <param name="problem">The problem, with the plan in force.</param>
    /// <param name="plan">The other plan; tiles the layers.</param>
    public static Move Between(PlacementProblem problem, Plan plan)
    {
        ArgumentNullException.ThrowIfNull(problem);
        ArgumentNullException.ThrowIfNull(plan);
        HashSet<NodeId> nodes = [];
        long bytes = 0;
        foreach (PlanSegment segment in plan.Segments)
        {
            for (int u = segment.Layers.Start; u < segment.Layers.End; u++)
            {
                NodeId? holder = problem.HolderOf(u);
                if (holder == segment.Node)
                {
                    continue;
                }

                bytes += problem.Layers[u].WeightBytes + (problem.Layers[u].KvBytesPerToken * (problem.Migration?.LiveKvTokens ?? 0));
                nodes.Add(segment.Node);
                if (holder is { } from)
                {
                    nodes.Add(from);
                }
            }
        }

        return new Move(bytes, nodes);
    }
}
