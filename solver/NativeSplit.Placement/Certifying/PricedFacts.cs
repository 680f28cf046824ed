using NativeSplit.Placement.Costs;
using NativeSplit.Placement.Problems;

namespace NativeSplit.Placement.Certifying;

/// <summary>Costs of layers, hops and segments at given multipliers, from the facts, in 1/<see cref="DualEvidence.Scale"/> of 1e-5.</summary>
internal sealed class PricedFacts
{
    private readonly PlacementProblem _problem;
    private readonly DualEvidence _evidence;
    private readonly long _allRates;
    private readonly Dictionary<(NodeId, NodeId), LinkFacts> _links = [];
    private readonly Dictionary<(int, int), Int128?> _hops = [];

    public PricedFacts(PlacementProblem problem, DualEvidence evidence)
    {
        (_problem, _evidence) = (problem, evidence);
        _allRates = problem.Requests.Sum(r => r.RequestsPerKilosecond);
        foreach (LinkFacts link in problem.Links)
        {
            _links[(link.From, link.To)] = link;
        }

        Int128 ends = 0;
        for (int q = 0; q < evidence.Times.Count; q++)
        {
            Int128 time = q % 2 == 0 ? problem.Ends.PrefillMicroseconds : problem.Ends.DecodeMicroseconds;
            ends += (DualEvidence.Scale * Latency(q, time)) + (evidence.Times[q] * (time - Objective(q)));
        }

        Constant = ends;
        for (int n = 0; n < problem.Nodes.Count; n++)
        {
            NodePrices by = evidence.Nodes[n];
            Constant -= (by.Memory * (Int128)(Math.Max(0, MemoryRoom(n)) / evidence.MemoryUnitBytes)) + (by.Load * Int128.Max(0, UtilizationCurve.MaxLoad - BaseLoad(n)))
                + (by.Segments * (Int128)(problem.Nodes[n].IsTrusted ? PlanChecker.SegmentsPerTrustedNode : PlanChecker.SegmentsPerUntrustedNode));
        }
    }

    /// <summary>What every chain pays: embedding and head, less prices times limits.</summary>
    public Int128 Constant { get; }

    public Int128? Start(int node) => _problem.Nodes[node].Id == _problem.Origin ? 0 : Priced(_problem.Origin, _problem.Nodes[node].Id, isReturn: false);

    public Int128? Return(int node) => _problem.Nodes[node].Id == _problem.Origin ? 0 : Priced(_problem.Nodes[node].Id, _problem.Origin, isReturn: true);

    public Int128? Hop(int from, int to)
    {
        if (!_hops.TryGetValue((from, to), out Int128? cost))
        {
            cost = Priced(_problem.Nodes[from].Id, _problem.Nodes[to].Id, isReturn: false);
            _hops.Add((from, to), cost);
        }

        return cost;
    }

    /// <summary>Every end of a segment that the node holds by itself, with the segment's price.</summary>
    public IEnumerable<(int End, Int128 Cost, Int128 Memory)> SegmentsFrom(int node, int start)
    {
        NodeFacts facts = _problem.Nodes[node];
        Int128 memory = 0, load = 0, linear = 0;
        for (int u = start; u < _problem.Layers.Count && LayerCost(node, u) is { } cost; u++)
        {
            memory += LayerMemory(u);
            load += Load(q => LayerTime(facts, u, q));
            linear += cost;
            if (memory > MemoryRoom(node) || load > UtilizationCurve.MaxLoad - BaseLoad(node))
            {
                yield break;
            }

            long busy = UtilizationCurve.Added(_problem.Weights.Utilization, (long)BaseLoad(node), (long)load);
            NodePrices by = _evidence.Nodes[node];
            yield return (u + 1, linear + (DualEvidence.Scale * (Int128)busy) + by.Segments + (by.Memory * (memory / _evidence.MemoryUnitBytes)) + (by.Load * load), memory);
        }
    }

    /// <summary>Bytes of a layer.</summary>
    public Int128 LayerMemory(int u) => _problem.Layers[u].WeightBytes + (_problem.Layers[u].KvBytesPerToken * (Int128)_problem.KvReserveTokens);

    /// <summary>Bytes that a node has for layers.</summary>
    public long MemoryRoom(int node) => _problem.Nodes[node].FreeMemoryBytes - (_problem.Nodes[node].Id == _problem.Origin ? _problem.Ends.WeightBytes : 0);

    // Null where the layer may not run.
    private Int128? LayerCost(int node, int u)
    {
        NodeFacts facts = _problem.Nodes[node];
        if ((!facts.IsTrusted && _problem.NeedsTrust(u)) || (!facts.AcceptsLayers && _problem.HolderOf(u) != facts.Id))
        {
            return null;
        }

        Int128 sum = facts.IsTrusted ? 0 : DualEvidence.Scale * (Int128)Rational.Nearest((Int128)_problem.Weights.Privacy * _problem.Layers[u].Sensitivity, 1000);
        for (int q = 0; q < _evidence.Times.Count; q++)
        {
            if (!TryPrice(q, LayerTime(facts, u, q), ref sum))
            {
                return null;
            }
        }

        if (_problem.Migration is null)
        {
            return sum;
        }

        // One layer's move, as the plan checker prices it.
        List<string> faults = [];
        Plan one = new(new PlanEpoch(1), [new PlanSegment(new Model.LayerRange(u, u + 1), facts.Id)]);
        long move = CheckedMigration.Cost(_problem, one, faults);
        return faults.Count > 0 ? null : sum + (DualEvidence.Scale * (Int128)move);
    }

    private Int128 LayerTime(NodeFacts node, int u, int q)
    {
        (Int128 prefill, Int128 decode) = CheckedTimes.OfLayer(node, _problem.Layers[u], _problem.Requests[q / 2]);
        return q % 2 == 0 ? prefill : decode;
    }

    private Int128? Priced(NodeId from, NodeId to, bool isReturn)
    {
        if (!_links.TryGetValue((from, to), out LinkFacts? link))
        {
            return null;
        }

        Int128 sum = 0;
        for (int q = 0; q < _evidence.Times.Count; q++)
        {
            long rows = q % 2 == 0 && !isReturn ? _problem.Requests[q / 2].PromptTokens : 1;
            Int128 time = link.LatencyMicroseconds + ((((Int128)_problem.BorderBytesPerRow * rows * 1_000_000) + link.BytesPerSecond - 1) / link.BytesPerSecond);
            if (!TryPrice(q, time, ref sum))
            {
                return null;
            }
        }

        return sum;
    }

    private bool TryPrice(int q, Int128 time, ref Int128 sum)
    {
        if (time > (Int128)CostModel.UsableSloMultiple * Objective(q))
        {
            return false;
        }

        sum += (DualEvidence.Scale * Latency(q, time)) + (_evidence.Times[q] * time);
        return true;
    }

    private Int128 Latency(int q, Int128 time) => Rational.Nearest(
        (Int128)100_000 * _problem.Weights.Latency * _problem.Requests[q / 2].RequestsPerKilosecond * time, (Int128)2000 * _allRates * Objective(q));

    private long Objective(int q) => q % 2 == 0 ? _problem.Requests[q / 2].TtftSloMicroseconds : _problem.Requests[q / 2].TpotSloMicroseconds;

    private Int128 BaseLoad(int node) => _problem.Nodes[node].BaseLoad
        + (_problem.Nodes[node].Id == _problem.Origin ? Load(q => q % 2 == 0 ? _problem.Ends.PrefillMicroseconds : _problem.Ends.DecodeMicroseconds) : 0);

    private Int128 Load(Func<int, Int128> time)
    {
        Int128 sum = 0;
        for (int r = 0; r < _problem.Requests.Count; r++)
        {
            sum += _problem.Requests[r].RequestsPerKilosecond * (time(2 * r) + ((_problem.Requests[r].OutputTokens - 1) * time((2 * r) + 1)));
        }

        return (sum + 999) / 1000;
    }
}
