using System.Numerics;
using NativeSplit.Placement.Costs;

namespace NativeSplit.Placement.Solving;

/// <summary>The segment programme: cheapest chain of segments when what couples them is only priced, not forbidden.</summary>
/// <remarks>
/// State: (mask, node, boundary). A segment keeps the limits of its node by itself; that a node is used once or twice in all, and the sums
/// over its segments, are priced by <see cref="Multipliers"/>. Nodes with a bit in the mask are never used twice. Every value is an integer,
/// so <see cref="LowerBound"/> is exact: no plan costs less (weak duality).
/// </remarks>
internal sealed class Relaxation
{
    /// <summary>Fractions of 1e-5 that multipliers count in.</summary>
    public const long Scale = 1 << 14;

    /// <summary>No chain. Two of them still fit in 64 bits.</summary>
    public const long Infinite = 1L << 61;

    private readonly SegmentTable _segments;
    private readonly CostModel _model;
    private readonly int _layers;
    private readonly int _nodes;
    private readonly long[] _priced;
    private readonly long[] _hop;
    private readonly long[] _start;
    private readonly long[] _end;
    private readonly long[] _prefix;
    private readonly long[] _starts;
    private long[] _enter = [];
    private long[] _leave = [];
    private long _constant;

    public Relaxation(SegmentTable segments)
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
        _starts = new long[_nodes];
        Bit = new int[_nodes];
        Multipliers = new Multipliers(_nodes, _model.Prices.Count);
        Resize();
    }

    public Multipliers Multipliers { get; }

    /// <summary>Bit of each node in the mask, 0 for nodes without.</summary>
    public int[] Bit { get; }

    /// <summary>Nodes with a bit.</summary>
    public int TrackedCount { get; private set; }

    /// <summary>Work of one <see cref="Run"/>, in steps.</summary>
    public long StepsPerRun => (long)(1 << TrackedCount) * (_segments.Count + ((long)_layers * _nodes * _nodes));

    /// <summary>Lower bound of the last run, scaled; <see cref="Infinite"/> when there is no chain.</summary>
    public long LowerBound { get; private set; }

    /// <summary>Gives a node a bit.</summary>
    public void Track(int node)
    {
        Bit[node] = 1 << TrackedCount;
        TrackedCount++;
        Resize();
    }

    /// <summary>Cost of getting from the origin to a first segment on the node, scaled.</summary>
    public long Start(int node) => _start[node];

    /// <summary>Cost of a hop, scaled; <see cref="Infinite"/> from a node to itself.</summary>
    public long Hop(int from, int to) => _hop[(from * _nodes) + to];

    /// <summary>Cost of a segment alone on its node, scaled.</summary>
    public long Segment(int index) => _priced[index];

    /// <summary>Cheapest rest when a segment starts on the node, whose bit is in the mask.</summary>
    public long Enter(int mask, int node, int boundary) => _enter[Index(mask, node, boundary)];

    /// <summary>Cheapest rest after a segment on the node ends at the boundary.</summary>
    public long Leave(int mask, int node, int boundary) => _leave[Index(mask, node, boundary)];

    /// <summary>What every chain pays, scaled; less the multipliers' limits.</summary>
    public long Constant => _constant;

    /// <summary>Fills the tables from the last boundary to the first with the multipliers as they are.</summary>
    public void Run()
    {
        PriceAll();
        int masks = 1 << TrackedCount;
        for (int boundary = _layers; boundary >= 0; boundary--)
        {
            for (int mask = masks - 1; mask >= 0; mask--)
            {
                if (boundary == _layers)
                {
                    for (int n = 0; n < _nodes; n++)
                    {
                        _leave[Index(mask, n, boundary)] = _end[n];
                    }

                    continue;
                }

                FillEnter(mask, boundary);
                FillLeave(mask, boundary);
            }
        }

        long best = Infinite;
        for (int n = 0; n < _nodes; n++)
        {
            best = Math.Min(best, Sum(_start[n], Enter(Bit[n], n, 0)));
        }

        LowerBound = best >= Infinite ? Infinite : best + _constant;
    }

    /// <summary>The cheapest chain of the last run; it may use a node too often. Empty when there is none.</summary>
    public List<Piece> Trace()
    {
        List<Piece> pieces = [];
        if (LowerBound >= Infinite)
        {
            return pieces;
        }

        int node = Cheapest(-1, 0, 0), mask = Bit[node], start = 0;
        while (true)
        {
            int end = start + 1;
            long best = Infinite;
            for (int j = start + 1; j <= _segments.MaxEnd(node, start); j++)
            {
                long value = Sum(_priced[_segments.Index(node, start, j)], Leave(mask, node, j));
                if (value < best)
                {
                    (best, end) = (value, j);
                }
            }

            pieces.Add(new Piece(node, start, end));
            if (end == _layers)
            {
                return pieces;
            }

            node = Cheapest(node, mask, end);
            mask |= Bit[node];
            start = end;
        }
    }

    /// <summary>Sum that stays at <see cref="Infinite"/>.</summary>
    public static long Sum(long a, long b) => a >= Infinite || b >= Infinite ? Infinite : a + b;

    private int Index(int mask, int node, int boundary) => (((mask * _nodes) + node) * (_layers + 1)) + boundary;

    private void Resize()
    {
        int size = (1 << TrackedCount) * _nodes * (_layers + 1);
        _enter = new long[size];
        _leave = new long[size];
    }

    private int Cheapest(int from, int mask, int boundary)
    {
        int node = 0;
        long best = Infinite;
        for (int n = 0; n < _nodes; n++)
        {
            if ((mask & Bit[n]) == 0)
            {
                long value = Sum(from < 0 ? _start[n] : Hop(from, n), Enter(mask | Bit[n], n, boundary));
                if (value < best)
                {
                    (best, node) = (value, n);
                }
            }
        }

        return node;
    }

    private void FillEnter(int mask, int boundary)
    {
        for (int n = 0; n < _nodes; n++)
        {
            if (Bit[n] != 0 && (mask & Bit[n]) == 0)
            {
                continue;
            }

            int count = _segments.MaxEnd(n, boundary) - boundary;
            long best = count <= 0 ? Infinite
                : LeastSum(_priced.AsSpan(_segments.Index(n, boundary, boundary + 1), count), _leave.AsSpan(Index(mask, n, boundary + 1), count));

            // Segments cost far less than half of Infinite, so only an infinite rest gets there.
            _enter[Index(mask, n, boundary)] = best >= Infinite / 2 ? Infinite : best;
        }
    }

    private void FillLeave(int mask, int boundary)
    {
        // The cheapest start of each node side by side, so that a hop row and this row add up lane by lane.
        for (int n = 0; n < _nodes; n++)
        {
            _starts[n] = (mask & Bit[n]) == 0 ? Enter(mask | Bit[n], n, boundary) : Infinite;
        }

        for (int from = 0; from < _nodes; from++)
        {
            long best = LeastSum(_hop.AsSpan(from * _nodes, _nodes), _starts);
            _leave[Index(mask, from, boundary)] = best >= Infinite / 2 ? Infinite : best;
        }
    }

    // min over i of a[i] + b[i]. Two infinite ones still fit in 64 bits.
    private static long LeastSum(ReadOnlySpan<long> a, ReadOnlySpan<long> b)
    {
        long best = Infinite;
        int i = 0;
        if (Vector.IsHardwareAccelerated && a.Length >= Vector<long>.Count)
        {
            Vector<long> least = new(Infinite);
            for (; i <= a.Length - Vector<long>.Count; i += Vector<long>.Count)
            {
                least = Vector.Min(least, new Vector<long>(a[i..]) + new Vector<long>(b[i..]));
            }

            for (int lane = 0; lane < Vector<long>.Count; lane++)
            {
                best = Math.Min(best, least[lane]);
            }
        }

        for (; i < a.Length; i++)
        {
            best = Math.Min(best, a[i] + b[i]);
        }

        return best;
    }

    private void PriceAll()
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
