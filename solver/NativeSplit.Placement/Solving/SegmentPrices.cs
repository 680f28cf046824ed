using NativeSplit.Placement.Costs;

namespace NativeSplit.Placement.Solving;

/// <summary>What segments, hops and ways cost when what couples them is priced by <see cref="Multipliers"/>; scaled.</summary>
internal sealed class SegmentPrices
{
    private const long Scale = Relaxation.Scale, Infinite = Relaxation.Infinite;

    private readonly SegmentTable _segments;
    private readonly CostModel _model;
    private readonly int _layers;
    private readonly int _nodes;
    private readonly long[] _priced;
    private readonly long[] _hop;
    private readonly long[] _start;
    private readonly long[] _end;
    private readonly long[] _prefix;
    private long _constant;

    public SegmentPrices(SegmentTable segments)
    {
        _segments = segments;
        _model = segments.Model;
        _layers = _model.LayerCount;
        _nodes = _model.NodeCount;
        _priced = new long[segments.Count];
        _hop = new long[_nodes * _nodes];
        _start = new long[_nodes];
        _end = new long[_nodes];
        _prefix = new long[_layers + 1];
        Multipliers = new Multipliers(_nodes, _model.Prices.Count);
    }

    /// <summary>The multipliers; <see cref="Refresh"/> must follow a change.</summary>
    public Multipliers Multipliers { get; }

    /// <summary>What every chain pays, less the multipliers' limits.</summary>
    public long Constant => _constant;

    /// <summary>Cost of each segment alone on its node, in the table's order.</summary>
    public ReadOnlySpan<long> Segments => _priced;

    /// <summary>Cost of getting from the origin to a first segment on the node.</summary>
    public long Start(int node) => _start[node];

    /// <summary>Cost of the way back from the node.</summary>
    public long End(int node) => _end[node];

    /// <summary>Cost of the hops from a node, to each; <see cref="Relaxation.Infinite"/> to itself.</summary>
    public ReadOnlySpan<long> Hops(int from) => _hop.AsSpan(from * _nodes, _nodes);

    /// <summary>Prices all anew.</summary>
    public void Refresh()
    {
        Multipliers by = Multipliers;
        _constant = Scale * _model.EndLatency;
        for (int q = 0; q < by.Time.Length; q++)
        {
            _constant = checked(_constant + (by.Time[q] * (_model.EndTimes[q] - _model.Prices.Objective[q])));
        }

        for (int n = 0; n < _nodes; n++)
        {
            _constant = checked(_constant - (by.Memory[n] * _segments.MemoryLimitUnits(n)) - (by.Load[n] * _segments.LoadLimit(n))
                - (by.Visits[n] * _model.MaxSegments(n)));
            _start[n] = PriceHop(_model.Hops.IsUsable(_model.Origin, n), _model.Hops.Latency(_model.Origin, n), _model.Hops.Times(_model.Origin, n));
            _end[n] = PriceHop(_model.Hops.IsReturnUsable(n), _model.Hops.ReturnLatency(n), _model.Hops.ReturnTimes(n));
            for (int to = 0; to < _nodes; to++)
            {
                _hop[(n * _nodes) + to] = PriceHop(n != to && _model.Hops.IsUsable(n, to), _model.Hops.Latency(n, to), _model.Hops.Times(n, to));
            }

            PriceSegments(n);
        }
    }

    private long PriceHop(bool isUsable, long latency, ReadOnlySpan<long> times) =>
        isUsable ? checked((Scale * latency) + PriceTimes(times)) : Infinite;

    private long PriceTimes(ReadOnlySpan<long> times)
    {
        long sum = 0;
        for (int q = 0; q < times.Length; q++)
        {
            if (Multipliers.Time[q] != 0)
            {
                sum = checked(sum + (Multipliers.Time[q] * times[q]));
            }
        }

        return sum;
    }

    private void PriceSegments(int n)
    {
        for (int u = 0; u < _layers; u++)
        {
            long layer = _model.Layers.IsAllowed(n, u) ? checked((Scale * _segments.LinearCost(n, u, u + 1)) + PriceTimes(_model.Layers.Times(n, u))) : 0;
            _prefix[u + 1] = checked(_prefix[u] + layer);
        }

        for (int start = 0; start < _layers; start++)
        {
            for (int end = start + 1; end <= _segments.MaxEnd(n, start); end++)
            {
                int i = _segments.Index(n, start, end);
                _priced[i] = !_model.MayCut(start, end) ? Infinite : checked(_prefix[end] - _prefix[start] + (Scale * _segments.UtilizationAlone(n, start, end)) + Multipliers.Visits[n]
                    + (Multipliers.Memory[n] * _segments.MemoryUnits(start, end)) + (Multipliers.Load[n] * _segments.Load(n, start, end)));
            }
        }
    }
}
