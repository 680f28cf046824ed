using NativeSplit.Cluster.Capacity;
using NativeSplit.Cluster.Stages;
using NativeSplit.Placement;
using NativeSplit.Placement.Problems;

namespace NativeSplit.Orchestrator;

/// <summary>What is known of a node now.</summary>
/// <param name="Node">Its name.</param>
/// <param name="MemoryBytes">Bytes that weights and KV cache may take.</param>
/// <param name="Prefill">Time of a prompt's row through a layer, in ns.</param>
/// <param name="Decode">Time of a decode step through a layer, in ns.</param>
public sealed record NodeEstimate(NodeId Node, long MemoryBytes, Estimate Prefill, Estimate Decode);

/// <summary>What is known of a directed link now.</summary>
/// <param name="From">Sender.</param>
/// <param name="To">Receiver.</param>
/// <param name="Latency">One-way delay, in µs.</param>
/// <param name="Rate">Rate, in bytes per second.</param>
public sealed record LinkEstimate(NodeId From, NodeId To, Estimate Latency, Estimate Rate);

/// <summary>Keeps what was measured of nodes and links, and how it drifts. Not thread-safe.</summary>
/// <remarks>
/// A stage that serves tells more than a probe: its times are the node's under its real load. So a probe of a node counts only while no
/// stage of it has run for <see cref="StageFreshness"/>. Of a plan that was just put in force the first steps are left out: they are slow.
/// </remarks>
public sealed class CapacityBook
{
    /// <summary>Time for which a sample of a stage outweighs probes.</summary>
    public static readonly TimeSpan StageFreshness = TimeSpan.FromSeconds(20);

    /// <summary>Least batches of a sample: fewer say more about the moment than about the node.</summary>
    private const int LeastBatches = 4;

    private readonly Dictionary<NodeId, NodeEstimate> _nodes = [];
    private readonly Dictionary<(NodeId From, NodeId To), LinkEstimate> _links = [];
    private readonly Dictionary<(PlanEpoch Epoch, PlanSegment Segment), StageSums> _sums = [];

    /// <summary>The nodes.</summary>
    public IReadOnlyCollection<NodeEstimate> Nodes => _nodes.Values;

    /// <summary>The links.</summary>
    public IReadOnlyCollection<LinkEstimate> Links => _links.Values;

    /// <summary>Whether anything is known of a node.</summary>
    public bool Knows(NodeId node) => _nodes.ContainsKey(node);

    /// <summary>Whether the way between two nodes was measured in both directions.</summary>
    public bool Joins(NodeId one, NodeId other) => _links.ContainsKey((one, other)) && _links.ContainsKey((other, one));

    /// <summary>Takes a node's word about itself.</summary>
    public void Observe(NodeId node, CapacityProfile profile, TimeSpan now)
    {
        ArgumentNullException.ThrowIfNull(profile);
        NodeEstimate? before = _nodes.GetValueOrDefault(node);
        if (before is { Decode.Source: SampleSource.Stage } && now - before.Decode.Time < StageFreshness)
        {
            _nodes[node] = before with { MemoryBytes = profile.MemoryBytes };
            return;
        }

        _nodes[node] = new NodeEstimate(
            node,
            profile.MemoryBytes,
            Estimate.Next(before?.Prefill, profile.PrefillNanosecondsPerRow, now, SampleSource.Probe),
            Estimate.Next(before?.Decode, profile.DecodeNanosecondsPerStep, now, SampleSource.Probe));
    }

    /// <summary>Takes a measured link.</summary>
    public void Observe(LinkFacts link, TimeSpan now)
    {
        ArgumentNullException.ThrowIfNull(link);
        LinkEstimate? before = _links.GetValueOrDefault((link.From, link.To));
        _links[(link.From, link.To)] = new LinkEstimate(
            link.From,
            link.To,
            Estimate.Next(before?.Latency, link.LatencyMicroseconds, now, SampleSource.Probe),
            Estimate.Next(before?.Rate, link.BytesPerSecond, now, SampleSource.Probe));
    }

    /// <summary>Takes the sums of the stages of the plan in force; what a stage did since its last reading is a sample of its node.</summary>
    public void Observe(IReadOnlyList<StageReading> stages, TimeSpan now)
    {
        ArgumentNullException.ThrowIfNull(stages);
        foreach (StageReading stage in stages)
        {
            if (_sums.TryGetValue((stage.Epoch, stage.Segment), out StageSums before))
            {
                Observe(stage.Segment, stage.Sums - before, now);
            }
        }

        _sums.Clear();
        foreach (StageReading stage in stages)
        {
            _sums[(stage.Epoch, stage.Segment)] = stage.Sums;
        }
    }

    /// <summary>Forgets a node that has left, and its links.</summary>
    public void Forget(NodeId node)
    {
        _nodes.Remove(node);
        foreach ((NodeId, NodeId) link in _links.Keys.Where(key => key.From == node || key.To == node).ToArray())
        {
            _links.Remove(link);
        }
    }

    private void Observe(PlanSegment segment, StageSums sums, TimeSpan now)
    {
        if (!_nodes.TryGetValue(segment.Node, out NodeEstimate? node))
        {
            return;
        }

        if (sums.DecodeBatches >= LeastBatches)
        {
            node = node with { Decode = node.Decode.With(1e3 * sums.DecodeMicroseconds / sums.DecodeBatches / segment.Layers.Count, now, SampleSource.Stage) };
        }

        if (sums.Batches - sums.DecodeBatches >= 1 && sums.Rows > sums.DecodeRows)
        {
            double microseconds = sums.ComputeMicroseconds - sums.DecodeMicroseconds;
            node = node with { Prefill = node.Prefill.With(1e3 * microseconds / (sums.Rows - sums.DecodeRows) / segment.Layers.Count, now, SampleSource.Stage) };
        }

        _nodes[segment.Node] = node;
    }
}
