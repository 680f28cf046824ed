using NativeSplit.Placement.Problems;

namespace NativeSplit.Placement.Costs;

/// <summary>Every layer on every node: cost, time, memory, load, and whether it may run there at all.</summary>
internal sealed class LayerTable
{
    private readonly int _layers;
    private readonly int _quantities;
    private readonly bool[] _allowed;
    private readonly long[] _latency;
    private readonly long[] _privacy;
    private readonly long[] _migration;
    private readonly long[] _load;
    private readonly long[] _times;
    private readonly int[] _maxEnd;

    public LayerTable(PlacementProblem problem, TimePrices prices)
    {
        int nodes = problem.Nodes.Count;
        _layers = problem.Layers.Count;
        _quantities = prices.Count;
        _allowed = new bool[nodes * _layers];
        _latency = new long[nodes * _layers];
        _privacy = new long[nodes * _layers];
        _migration = new long[nodes * _layers];
        _load = new long[nodes * _layers];
        _times = new long[nodes * _layers * _quantities];
        _maxEnd = new int[nodes * _layers];
        Memory = new long[_layers];
        MemoryLimit = new long[nodes];
        BaseLoad = new long[nodes];
        LoadLimit = new long[nodes];
        for (int u = 0; u < _layers; u++)
        {
            Memory[u] = problem.Layers[u].WeightBytes + (problem.Layers[u].KvBytesPerToken * problem.KvReserveTokens);
        }

        var moves = problem.Migration is null ? null : new MigrationPrices(problem);
        for (int n = 0; n < nodes; n++)
        {
            bool isOrigin = n == problem.OriginIndex;
            MemoryLimit[n] = problem.Nodes[n].FreeMemoryBytes - (isOrigin ? problem.Ends.WeightBytes : 0);
            BaseLoad[n] = problem.Nodes[n].BaseLoad + (isOrigin ? LoadOf(problem, EndTimes(problem)) : 0);
            LoadLimit[n] = UtilizationCurve.MaxLoad - BaseLoad[n];
            for (int u = 0; u < _layers; u++)
            {
                Fill(problem, prices, moves, n, u);
            }

            FillMaxEnds(n);
        }
    }

    /// <summary>Weights and KV reserve of each layer, in bytes.</summary>
    public long[] Memory { get; }

    /// <summary>Bytes that layers may take on each node; negative at an origin too small for embedding and head.</summary>
    public long[] MemoryLimit { get; }

    /// <summary>ρ of each node without layers, in 1e-6.</summary>
    public long[] BaseLoad { get; }

    /// <summary>ρ that layers may add on each node, in 1e-6; negative where the base load is past the limit.</summary>
    public long[] LoadLimit { get; }

    public bool IsAllowed(int node, int layer) => _allowed[(node * _layers) + layer];

    public long Latency(int node, int layer) => _latency[(node * _layers) + layer];

    public long Privacy(int node, int layer) => _privacy[(node * _layers) + layer];

    public long Migration(int node, int layer) => _migration[(node * _layers) + layer];

    /// <summary>ρ that the layer adds, in 1e-6.</summary>
    public long Load(int node, int layer) => _load[(node * _layers) + layer];

    /// <summary>Largest end of a segment that starts at the layer and fits the node alone; the layer itself when none does.</summary>
    public int MaxEnd(int node, int layer) => _maxEnd[(node * _layers) + layer];

    /// <summary>Times of the layer, one per quantity, in µs.</summary>
    public ReadOnlySpan<long> Times(int node, int layer) => _times.AsSpan(((node * _layers) + layer) * _quantities, _quantities);

    public void AddTimes(int node, int layer, Span<long> times)
    {
        ReadOnlySpan<long> more = Times(node, layer);
        for (int q = 0; q < times.Length; q++)
        {
            times[q] += more[q];
        }
    }

    /// <summary>Times of embedding and head, one per quantity, in µs.</summary>
    public static long[] EndTimes(PlacementProblem problem)
    {
        long[] times = new long[2 * problem.Requests.Count];
        for (int q = 0; q < times.Length; q++)
        {
            times[q] = q % 2 == 0 ? problem.Ends.PrefillMicroseconds : problem.Ends.DecodeMicroseconds;
        }

        return times;
    }

    private static long LoadOf(PlacementProblem problem, ReadOnlySpan<long> times)
    {
        Int128 work = 0;
        for (int r = 0; r < problem.Requests.Count; r++)
        {
            RequestClass request = problem.Requests[r];
            work += request.RequestsPerKilosecond * (times[2 * r] + ((Int128)(request.OutputTokens - 1) * times[(2 * r) + 1]));
        }

        // Past one whole node the exact figure doesn't matter.
        return (long)Int128.Min((work + 999) / 1000, 1_000_000_000);
    }

    private void Fill(PlacementProblem problem, TimePrices prices, MigrationPrices? moves, int n, int u)
    {
        NodeFacts node = problem.Nodes[n];
        LayerFacts layer = problem.Layers[u];
        int i = (n * _layers) + u;
        Span<long> times = _times.AsSpan(i * _quantities, _quantities);
        for (int q = 0; q < _quantities; q++)
        {
            Int128 work = q % 2 == 0
                ? (Int128)node.PrefillNanosecondsPerRow * problem.Requests[q / 2].PromptTokens * layer.PrefillWork
                : (Int128)node.DecodeNanosecondsPerStep * layer.DecodeWork;
            times[q] = (long)Int128.Min((work + 999_999) / 1_000_000, long.MaxValue / 4);
        }

        long? move = moves is null ? 0 : moves.Price(n, u);
        _allowed[i] = prices.IsUsable(times) && move is not null && (node.IsTrusted || !problem.NeedsTrust(u))
            && (node.AcceptsLayers || problem.HolderOf(u) == node.Id);
        if (_allowed[i])
        {
            _latency[i] = prices.Latency(times);
            _privacy[i] = node.IsTrusted ? 0 : Rational.Nearest((Int128)problem.Weights.Privacy * layer.Sensitivity, 1000);
            _migration[i] = move!.Value;
            _load[i] = LoadOf(problem, times);
        }
    }

    private void FillMaxEnds(int n)
    {
        for (int start = 0; start < _layers; start++)
        {
            long memory = 0, load = 0;
            int end = start;
            while (end < _layers && IsAllowed(n, end))
            {
                memory += Memory[end];
                load += Load(n, end);
                if (memory > MemoryLimit[n] || load > LoadLimit[n])
                {
                    break;
                }

                end++;
            }

            _maxEnd[(n * _layers) + start] = end;
        }
    }
}
