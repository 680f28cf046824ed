using NativeSplit.Placement.Costs;

namespace NativeSplit.Placement.Solving;

/// <summary>Sums over every segment that fits its node alone: memory, load, cost, times. Prefix sums, so each is one subtraction.</summary>
internal sealed class SegmentTable
{
    private readonly int _stride;
    private readonly long[] _memory;
    private readonly long[] _cost;
    private readonly long[] _load;
    private readonly int[] _offset;
    private readonly long[] _utilization;
    private readonly long[] _times;

    public SegmentTable(CostModel model)
    {
        Model = model;
        int layers = model.LayerCount, nodes = model.NodeCount;
        _stride = layers + 1;
        _memory = new long[_stride];
        _cost = new long[nodes * _stride];
        _load = new long[nodes * _stride];
        _offset = new int[nodes * layers];
        _times = new long[nodes * _stride * model.Prices.Count];
        for (int u = 0; u < layers; u++)
        {
            _memory[u + 1] = _memory[u] + model.Layers.Memory[u];
        }

        int count = 0;
        for (int n = 0; n < nodes; n++)
        {
            for (int u = 0; u < layers; u++)
            {
                int i = (n * _stride) + u;
                _cost[i + 1] = _cost[i] + model.Layers.Latency(n, u) + model.Layers.Privacy(n, u) + model.Layers.Migration(n, u);
                _load[i + 1] = _load[i] + model.Layers.Load(n, u);
                AddLayerTimes(n, u);
                _offset[(n * layers) + u] = count;
                count += model.Layers.MaxEnd(n, u) - u;
            }
        }

        Count = count;
        _utilization = new long[count];
        for (int n = 0; n < nodes; n++)
        {
            for (int start = 0; start < layers; start++)
            {
                for (int end = start + 1; end <= MaxEnd(n, start); end++)
                {
                    _utilization[Index(n, start, end)] = model.UtilizationCost(n, Load(n, start, end));
                }
            }
        }

        MemoryUnit = Math.Max(1, model.Layers.MemoryLimit.Max() >> 20);
    }

    public CostModel Model { get; }

    /// <summary>Number of segments.</summary>
    public int Count { get; }

    /// <summary>Bytes per memory unit of the multipliers. Units of a segment are rounded down, so limits in units stay valid.</summary>
    public long MemoryUnit { get; }

    /// <summary>Place of a segment in arrays of <see cref="Count"/>; the ends of one start lie side by side.</summary>
    public int Index(int node, int start, int end) => _offset[(node * Model.LayerCount) + start] + end - start - 1;

    public int MaxEnd(int node, int start) => Model.Layers.MaxEnd(node, start);

    public long Memory(int start, int end) => _memory[end] - _memory[start];

    public long MemoryUnits(int start, int end) => Memory(start, end) / MemoryUnit;

    public long MemoryLimitUnits(int node) => Math.Max(0, Model.Layers.MemoryLimit[node]) / MemoryUnit;

    public long LoadLimit(int node) => Math.Max(0, Model.Layers.LoadLimit[node]);

    public long Load(int node, int start, int end) => _load[(node * _stride) + end] - _load[(node * _stride) + start];

    /// <summary>Cost of layers without utilisation and SLO misses.</summary>
    public long LinearCost(int node, int start, int end) => _cost[(node * _stride) + end] - _cost[(node * _stride) + start];

    /// <summary>β·U of the segment were it alone on its node.</summary>
    public long UtilizationAlone(int node, int start, int end) => _utilization[Index(node, start, end)];

    /// <summary>Adds the times of a segment, one per quantity, in µs.</summary>
    public void AddTimes(int node, int start, int end, Span<long> times)
    {
        int from = ((node * _stride) + start) * times.Length, to = ((node * _stride) + end) * times.Length;
        for (int q = 0; q < times.Length; q++)
        {
            times[q] += _times[to + q] - _times[from + q];
        }
    }

    // Layers that may not run there count nothing: no segment spans them.
    private void AddLayerTimes(int n, int u)
    {
        int quantities = Model.Prices.Count, at = ((n * _stride) + u) * quantities;
        ReadOnlySpan<long> times = Model.Layers.Times(n, u);
        for (int q = 0; q < quantities; q++)
        {
            _times[at + quantities + q] = _times[at + q] + (Model.Layers.IsAllowed(n, u) ? times[q] : 0);
        }
    }
}
