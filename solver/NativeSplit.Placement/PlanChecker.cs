using NativeSplit.Model;

namespace NativeSplit.Placement;

/// <summary>Judges a plan by the hard rules, whoever made it. Pure; trusts no solver and no file.</summary>
public static class PlanChecker
{
    /// <summary>Segments that an untrusted node may hold: with two it would see both sides of what lies between.</summary>
    public const int SegmentsPerUntrustedNode = 1;

    /// <summary>Segments that a trusted node may hold: a prefix and a suffix.</summary>
    public const int SegmentsPerTrustedNode = 2;

    /// <summary>Checks that the segments tile the model's layers in order and that no node holds too many.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="layerCount">Layers of the model.</param>
    /// <param name="trusted">Nodes that may see what the gateway sees, the gateway among them.</param>
    /// <returns>Every rule the plan breaks, in words; empty when it is good.</returns>
    public static IReadOnlyList<string> Check(Plan plan, int layerCount, IReadOnlySet<NodeId> trusted)
    {
        ArgumentNullException.ThrowIfNull(plan);
        ArgumentNullException.ThrowIfNull(trusted);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(layerCount);

        List<string> faults = [];
        CheckTiling(plan.Segments, layerCount, faults);
        CheckShares(plan.Segments, trusted, faults);
        return faults;
    }

    private static void CheckTiling(IReadOnlyList<PlanSegment> segments, int layerCount, List<string> faults)
    {
        if (segments.Count == 0)
        {
            faults.Add("The plan has no segment.");
            return;
        }

        int next = 0;
        foreach (var segment in segments)
        {
            LayerRange layers = segment.Layers;
            if (layers.IsEmpty)
            {
                faults.Add($"The segment {layers} on {segment.Node} is empty.");
            }
            else if (layers.Start > next)
            {
                faults.Add($"Layers [{next}, {layers.Start}) run nowhere: the segment on {segment.Node} starts at {layers.Start}.");
            }
            else if (layers.Start < next)
            {
                faults.Add($"The segment {layers} on {segment.Node} overlaps the one before it, which ends at {next}.");
            }

            next = Math.Max(next, layers.End);
        }

        if (next < layerCount)
        {
            faults.Add($"Layers [{next}, {layerCount}) run nowhere: the plan ends at {next}, the model has {layerCount} layers.");
        }
        else if (next > layerCount)
        {
            faults.Add($"The plan ends at layer {next}, but the model has {layerCount} layers.");
        }
    }

    private static void CheckShares(IReadOnlyList<PlanSegment> segments, IReadOnlySet<NodeId> trusted, List<string> faults)
    {
        Dictionary<NodeId, int> shares = [];
        foreach (var segment in segments)
        {
            int share = shares.GetValueOrDefault(segment.Node) + 1;
            shares[segment.Node] = share;
            int limit = trusted.Contains(segment.Node) ? SegmentsPerTrustedNode : SegmentsPerUntrustedNode;
            if (share == limit + 1)
            {
                faults.Add($"Node {segment.Node} holds more than {limit} segment(s); "
                    + (limit == SegmentsPerUntrustedNode ? "an untrusted node may hold one." : "a trusted node may hold a prefix and a suffix."));
            }
        }

        for (int i = 1; i < segments.Count; i++)
        {
            if (segments[i].Node == segments[i - 1].Node)
            {
                faults.Add($"Segments {segments[i - 1].Layers} and {segments[i].Layers} are neighbours on {segments[i].Node}; write them as one.");
            }
        }
    }
}
