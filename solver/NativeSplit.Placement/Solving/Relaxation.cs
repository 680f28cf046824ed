using NativeSplit.Placement.Costs;

namespace NativeSplit.Placement.Solving;

/// <summary>The segment programme: cheapest chain of segments when what couples them is only priced, not forbidden.</summary>
/// <remarks>
/// State: (node, boundary, mask). A segment keeps the limits of its node by itself; that a node is used once or twice in all, and the sums
/// over its segments, are priced by <see cref="Multipliers"/>. What the mask remembers is forbidden too (<see cref="NodeMemory"/>). Every value
/// is an integer, so <see cref="LowerBound"/> is exact: no plan costs less (weak duality).
/// </remarks>
internal sealed class Relaxation
{
    /// <summary>Fractions of 1e-5 that multipliers count in.</summary>
    public const long Scale = 1 << 14;

    /// <summary>No chain. Two of them still fit in 64 bits.</summary>
    public const long Infinite = 1L << 61;

    // Sums are done lane by lane, and most hops are passed over: one weighs less than a segment that is looked at.
    private const int SumsPerStep = 8;

    private readonly SegmentTable _segments;
    private readonly CostModel _model;
    private readonly int _layers;
    private readonly int _nodes;
    private readonly SegmentPrices _prices;
    private readonly long[] _starts;
    private readonly long[] _least;
    private readonly long[][] _enter;
    private readonly long[][] _leave;
    private int _laid = -1;

    /// <param name="segments">Segments.</param>
    /// <param name="levelBits">Bits that <see cref="NodeMemory"/> has for a trusted node's level; null for as many as suit the number of nodes.</param>
    public Relaxation(SegmentTable segments, int? levelBits = null)
    {
        _segments = segments;
        _model = segments.Model;
        _layers = _model.LayerCount;
        _nodes = _model.NodeCount;
        _prices = new SegmentPrices(segments);
        _starts = new long[_nodes];
        _least = new long[_nodes];
        _enter = new long[_nodes][];
        _leave = new long[_nodes][];
        Memory = new NodeMemory(segments, levelBits ?? (_nodes <= 4 ? 4 : _nodes <= 8 ? 3 : 2));
    }

    public Multipliers Multipliers => _prices.Multipliers;

    /// <summary>What chains remember.</summary>
    public NodeMemory Memory { get; }

    /// <summary>Work of one <see cref="Run"/>, in steps.</summary>
    public long StepsPerRun
    {
        get
        {
            long steps = 0;
            for (int n = 0; n < _nodes; n++)
            {
                steps += (((long)_layers * _nodes) + (_segments.Count / _nodes)) << Memory.Bits(n);
            }

            return (steps / SumsPerStep) + 1;
        }
    }

    /// <summary>Lower bound of the last run, scaled; <see cref="Infinite"/> when there is no chain.</summary>
    public long LowerBound { get; private set; }

    /// <summary>Cost of getting from the origin to a first segment on the node, scaled.</summary>
    public long Start(int node) => _prices.Start(node);

    /// <summary>Cost of a hop, scaled; <see cref="Infinite"/> from a node to itself.</summary>
    public long Hop(int from, int to) => _prices.Hops(from)[to];

    /// <summary>Cost of a segment alone on its node, scaled.</summary>
    public long Segment(int index) => _prices.Segments[index];

    /// <summary>Cheapest rest when a segment starts on the node; the mask is the one before the segment.</summary>
    public long Enter(int mask, int node, int boundary) => _enter[node][(boundary << Memory.Bits(node)) + mask];

    /// <summary>Cheapest rest after a segment on the node ends at the boundary.</summary>
    public long Leave(int mask, int node, int boundary) => _leave[node][(boundary << Memory.Bits(node)) + mask];

    /// <summary>What every chain pays, scaled; less the multipliers' limits.</summary>
    public long Constant => _prices.Constant;

    /// <summary>Fills the tables from the last boundary to the first with the multipliers as they are.</summary>
    public void Run()
    {
        _prices.Refresh();
        Resize();
        for (int n = 0; n < _nodes; n++)
        {
            Leaves(n, _layers).Fill(_prices.End(n));
        }

        for (int boundary = _layers - 1; boundary >= 0; boundary--)
        {
            for (int n = 0; n < _nodes; n++)
            {
                FillEnter(n, boundary);
            }

            if (boundary > 0)
            {
                FillLeave(boundary);
            }
        }

        long best = Infinite;
        for (int n = 0; n < _nodes; n++)
        {
            best = Math.Min(best, Sum(_prices.Start(n), Enter(0, n, 0)));
        }

        LowerBound = best >= Infinite ? Infinite : best + _prices.Constant;
    }

    /// <summary>The cheapest chain of the last run; it may use a node too often. Empty when there is none.</summary>
    public List<Piece> Trace()
    {
        List<Piece> pieces = [];
        if (LowerBound >= Infinite)
        {
            return pieces;
        }

        int node = -1, mask = 0, start = 0;
        while (true)
        {
            (node, mask) = Next(node, mask, start);
            int end = start, after = mask;
            long best = Infinite;
            for (int j = start + 1; j <= _segments.MaxEnd(node, start); j++)
            {
                int then = Memory.After(mask, node, start, j);
                long value = then < 0 ? Infinite : Sum(Segment(_segments.Index(node, start, j)), Leave(then, node, j));
                if (value < best)
                {
                    (best, end, after) = (value, j, then);
                }
            }

            pieces.Add(new Piece(node, start, end));
            if (end == _layers)
            {
                return pieces;
            }

            (mask, start) = (after, end);
        }
    }

    /// <summary>Sum that stays at <see cref="Infinite"/>.</summary>
    public static long Sum(long a, long b) => a >= Infinite || b >= Infinite ? Infinite : a + b;

    private Span<long> Leaves(int node, int boundary) => _leave[node].AsSpan(boundary << Memory.Bits(node), 1 << Memory.Bits(node));

    private Span<long> Enters(int node, int boundary) => _enter[node].AsSpan(boundary << Memory.Bits(node), 1 << Memory.Bits(node));

    private void Resize()
    {
        if (_laid == Memory.Version)
        {
            return;
        }

        _laid = Memory.Version;
        for (int n = 0; n < _nodes; n++)
        {
            int size = (_layers + 1) << Memory.Bits(n);
            if (_enter[n]?.Length != size)
            {
                (_enter[n], _leave[n]) = (new long[size], new long[size]);
            }
        }
    }

    private (int Node, int Mask) Next(int from, int mask, int boundary)
    {
        (int Node, int Mask) next = (0, 0);
        long best = Infinite;
        for (int n = 0; n < _nodes; n++)
        {
            int then = from < 0 ? 0 : n == from ? -1 : Memory.Moves(from, n)[mask];
            long value = then < 0 ? Infinite : Sum(from < 0 ? _prices.Start(n) : Hop(from, n), Enter(then, n, boundary));
            if (value < best)
            {
                (best, next) = (value, (n, then));
            }
        }

        return next;
    }

    private void FillEnter(int n, int boundary)
    {
        Span<long> enters = Enters(n, boundary);
        int maxEnd = _segments.MaxEnd(n, boundary), count = maxEnd - boundary;
        if (count <= 0)
        {
            enters.Fill(Infinite);
            return;
        }

        int first = _segments.Index(n, boundary, boundary + 1);
        if (enters.Length == 1)
        {
            // Segments cost far less than half of Infinite, so only an infinite rest gets there.
            long best = Lanes.LeastSum(_prices.Segments.Slice(first, count), _leave[n].AsSpan(boundary + 1, count));
            enters[0] = best >= Infinite / 2 ? Infinite : best;
            return;
        }

        enters.Fill(Infinite);
        int width = 1 << Memory.OtherBits(n);
        for (int end = boundary + 1; end <= maxEnd; end++)
        {
            long priced = Segment(first + end - boundary - 1);
            Span<long> leaves = Leaves(n, end);
            if (!Memory.KnowsItself(n))
            {
                Lanes.LowerTo(leaves, priced, enters);
                continue;
            }

            for (int level = 0; level < Memory.NoMore; level++)
            {
                if (Memory.Fits(level, first + end - boundary - 1))
                {
                    Lanes.LowerTo(leaves.Slice(Memory.LevelAfter(level, first + end - boundary - 1) * width, width), priced, enters.Slice(level * width, width));
                }
            }
        }

        Lanes.Cap(enters);
    }

    private void FillLeave(int boundary)
    {
        // The cheapest start of each node side by side, so that a hop row and this row add up lane by lane.
        for (int n = 0; n < _nodes; n++)
        {
            Span<long> enters = Enters(n, boundary);
            _starts[n] = enters.Length == 1 ? enters[0] : Lanes.Least(enters);
        }

        for (int from = 0; from < _nodes; from++)
        {
            ReadOnlySpan<long> hops = _prices.Hops(from);
            if (Memory.IsEmpty)
            {
                long best = Lanes.LeastSum(hops, _starts);
                _leave[from][boundary] = best >= Infinite / 2 ? Infinite : best;
                continue;
            }

            FillLeave(from, boundary, hops);
        }
    }

    // Nodes by their least possible value, until none can lower the dearest mask any more.
    private void FillLeave(int from, int boundary, ReadOnlySpan<long> hops)
    {
        Span<long> leaves = Leaves(from, boundary);
        leaves.Fill(Infinite);
        long dearest = Infinite;
        for (int to = 0; to < _nodes; to++)
        {
            _least[to] = Sum(hops[to], _starts[to]);
        }

        while (true)
        {
            int to = Lanes.Lowest(_least);
            if (_least[to] >= dearest)
            {
                return;
            }

            _least[to] = Infinite;
            ReadOnlySpan<int> moves = Memory.Moves(from, to);
            ReadOnlySpan<long> enters = Enters(to, boundary);
            long hop = hops[to];
            dearest = 0;
            for (int mask = 0; mask < leaves.Length; mask++)
            {
                int then = moves[mask];
                long best = leaves[mask];
                if (then >= 0 && enters[then] < Infinite)
                {
                    best = Math.Min(best, hop + enters[then]);
                    leaves[mask] = best;
                }

                dearest = Math.Max(dearest, best);
            }
        }
    }
}
