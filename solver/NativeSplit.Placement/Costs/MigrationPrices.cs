using NativeSplit.Placement.Problems;

namespace NativeSplit.Placement.Costs;

/// <summary>What it costs to bring a layer from the node that has it to another: time of the transfer as a share of the horizon.</summary>
internal sealed class MigrationPrices
{
    private readonly PlacementProblem _problem;
    private readonly MigrationFacts _facts;
    private readonly Dictionary<(NodeId, NodeId), long> _rates = [];
    private readonly HashSet<NodeId> _nodes;

    public MigrationPrices(PlacementProblem problem)
    {
        _problem = problem;
        _facts = problem.Migration!;
        _nodes = [.. problem.Nodes.Select(n => n.Id)];
        foreach (LinkFacts link in problem.Links)
        {
            _rates[(link.From, link.To)] = link.BytesPerSecond;
        }
    }

    /// <summary>Price in 1e-5, or null when the layer can't get there. A layer whose holder is gone comes from the origin, which has the model.</summary>
    public long? Price(int node, int layer)
    {
        NodeId to = _problem.Nodes[node].Id;
        NodeId? holder = _problem.HolderOf(layer);
        if (holder == to)
        {
            return 0;
        }

        NodeId source = holder is { } h && _nodes.Contains(h) && _rates.ContainsKey((h, to)) ? h : _problem.Origin;
        if (source == to)
        {
            return 0;
        }

        if (!_rates.TryGetValue((source, to), out long rate))
        {
            return null;
        }

        LayerFacts facts = _problem.Layers[layer];
        Int128 bytes = facts.WeightBytes + ((Int128)facts.KvBytesPerToken * _facts.LiveKvTokens);
        Int128 microseconds = ((bytes * 1_000_000) + rate - 1) / rate;
        Int128 horizon = (Int128)_facts.HorizonSeconds * 1_000_000;
        return microseconds > CostModel.UsableSloMultiple * horizon
            ? null
            : Rational.Nearest((Int128)Sensitivity.Whole * _problem.Weights.Migration * microseconds, 1000 * horizon);
    }
}
