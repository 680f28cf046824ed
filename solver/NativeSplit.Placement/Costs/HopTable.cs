using NativeSplit.Placement.Problems;

namespace NativeSplit.Placement.Costs;

/// <summary>Every hop: from a node to the next (from the origin: the way in), and from the last node back to the origin.</summary>
internal sealed class HopTable
{
    private readonly int _nodes;
    private readonly int _origin;
    private readonly int _quantities;
    private readonly bool[] _usable;
    private readonly long[] _latency;
    private readonly long[] _times;
    private readonly bool[] _returnUsable;
    private readonly long[] _returnLatency;
    private readonly long[] _returnTimes;

    public HopTable(PlacementProblem problem, TimePrices prices)
    {
        _nodes = problem.Nodes.Count;
        _origin = problem.OriginIndex;
        _quantities = prices.Count;
        _usable = new bool[_nodes * _nodes];
        _latency = new long[_nodes * _nodes];
        _times = new long[_nodes * _nodes * _quantities];
        _returnUsable = new bool[_nodes];
        _returnLatency = new long[_nodes];
        _returnTimes = new long[_nodes * _quantities];
        _usable[(_origin * _nodes) + _origin] = true;
        _returnUsable[_origin] = true;

        Dictionary<NodeId, int> index = [];
        for (int n = 0; n < _nodes; n++)
        {
            index.Add(problem.Nodes[n].Id, n);
        }

        foreach (LinkFacts link in problem.Links)
        {
            Fill(problem, prices, link, index[link.From], index[link.To]);
        }
    }

    /// <summary>True when the two can follow each other. From the origin to itself: true, and free.</summary>
    public bool IsUsable(int from, int to) => _usable[(from * _nodes) + to];

    /// <summary>α·L of the hop.</summary>
    public long Latency(int from, int to) => _latency[(from * _nodes) + to];

    /// <summary>Times of the hop, one per quantity, in µs.</summary>
    public ReadOnlySpan<long> Times(int from, int to) => _times.AsSpan(((from * _nodes) + to) * _quantities, _quantities);

    /// <summary>True when the last node can answer the origin.</summary>
    public bool IsReturnUsable(int last) => _returnUsable[last];

    /// <summary>α·L of the way back: one row, for the first token as for each other.</summary>
    public long ReturnLatency(int last) => _returnLatency[last];

    /// <summary>Times of the way back, one per quantity, in µs.</summary>
    public ReadOnlySpan<long> ReturnTimes(int last) => _returnTimes.AsSpan(last * _quantities, _quantities);

    /// <summary>Adds the hop's times.</summary>
    public void AddTimes(int from, int to, Span<long> times) => Add(Times(from, to), times);

    /// <summary>Adds the times of the way back.</summary>
    public void AddReturnTimes(int last, Span<long> times) => Add(ReturnTimes(last), times);

    private static void Add(ReadOnlySpan<long> more, Span<long> times)
    {
        for (int q = 0; q < times.Length; q++)
        {
            times[q] += more[q];
        }
    }

    private void Fill(PlacementProblem problem, TimePrices prices, LinkFacts link, int from, int to)
    {
        int hop = (from * _nodes) + to;
        Span<long> times = _times.AsSpan(hop * _quantities, _quantities);
        Span<long> back = new long[_quantities];
        for (int q = 0; q < _quantities; q++)
        {
            long rows = q % 2 == 0 ? problem.Requests[q / 2].PromptTokens : 1;
            times[q] = Time(link, problem.BorderBytesPerRow, rows);
            back[q] = Time(link, problem.BorderBytesPerRow, 1);
        }

        _usable[hop] = prices.IsUsable(times);
        _latency[hop] = _usable[hop] ? prices.Latency(times) : 0;
        if (to == _origin)
        {
            back.CopyTo(_returnTimes.AsSpan(from * _quantities));
            _returnUsable[from] = prices.IsUsable(back);
            _returnLatency[from] = _returnUsable[from] ? prices.Latency(back) : 0;
        }
    }

    // Saturates far past every usable time.
    private static long Time(LinkFacts link, long rowBytes, long rows) =>
        (long)Int128.Min(link.LatencyMicroseconds + (((Int128)rowBytes * rows * 1_000_000) + link.BytesPerSecond - 1) / link.BytesPerSecond, long.MaxValue / 4);
}
