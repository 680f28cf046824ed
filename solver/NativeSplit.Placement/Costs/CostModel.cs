using NativeSplit.Placement.Problems;

namespace NativeSplit.Placement.Costs;

/// <summary>A problem as tables of integers: what each layer costs on each node, each hop, and the limits. Nodes and layers are indices.</summary>
/// <remarks>Formulas in <c>docs/placement.md</c>. Times are kept per class: quantity 2r is the TTFT of class r, 2r+1 its TPOT.</remarks>
internal sealed class CostModel
{
    /// <summary>A layer or hop that alone takes more than this many times an SLO counts as unusable.</summary>
    public const int UsableSloMultiple = 1000;

    private readonly LayerTable _layers;
    private readonly HopTable _hops;
    private readonly HashSet<(int Start, int End)>? _onlySegments;

    /// <summary>Computes the tables.</summary>
    /// <param name="problem">The problem.</param>
    /// <param name="borders">A plan whose borders alone are allowed; null for any borders.</param>
    /// <param name="onlyTime">A time that alone is to be least, as <see cref="TimePrices"/> takes it; null for Φ.</param>
    /// <exception cref="PlanException"><see cref="PlanFault.ProblemInvalid"/>.</exception>
    public CostModel(PlacementProblem problem, Plan? borders = null, int? onlyTime = null)
    {
        ProblemRules.ThrowIfInvalid(problem);
        _onlySegments = borders is null ? null : [.. borders.Segments.Select(s => (s.Layers.Start, s.Layers.End))];
        Problem = problem;
        Origin = problem.OriginIndex;
        LayerCount = problem.Layers.Count;
        NodeCount = problem.Nodes.Count;
        Prices = new TimePrices(problem, onlyTime);
        _hops = new HopTable(problem, Prices);
        _layers = new LayerTable(problem, Prices);
        EndTimes = LayerTable.EndTimes(problem);
        if (!Prices.IsUsable(EndTimes))
        {
            throw new PlanException(PlanFault.ProblemInvalid, $"Embedding and head alone take more than {UsableSloMultiple} times an SLO; check the times of the origin and the SLOs.");
        }

        EndLatency = Prices.Latency(EndTimes);
    }

    /// <summary>The problem.</summary>
    public PlacementProblem Problem { get; }

    internal int LayerCount { get; }

    internal int NodeCount { get; }

    internal int Origin { get; }

    internal TimePrices Prices { get; }

    /// <summary>Times of embedding and head, per quantity, in µs.</summary>
    internal long[] EndTimes { get; }

    /// <summary>What embedding and head cost in latency.</summary>
    internal long EndLatency { get; }

    internal HopTable Hops => _hops;

    internal LayerTable Layers => _layers;

    /// <summary>True unless the borders are given and these are others.</summary>
    internal bool MayCut(int start, int end) => _onlySegments?.Contains((start, end)) ?? true;

    /// <summary>Index of a node, or -1.</summary>
    internal int IndexOf(NodeId id)
    {
        for (int n = 0; n < NodeCount; n++)
        {
            if (Problem.Nodes[n].Id == id)
            {
                return n;
            }
        }

        return -1;
    }

    internal bool IsTrusted(int node) => Problem.Nodes[node].IsTrusted;

    /// <summary>Segments that the node may hold.</summary>
    internal int MaxSegments(int node) => IsTrusted(node) ? PlanChecker.SegmentsPerTrustedNode : PlanChecker.SegmentsPerUntrustedNode;

    /// <summary>β·U of load added to a node.</summary>
    internal long UtilizationCost(int node, long load) =>
        UtilizationCurve.Added(Problem.Weights.Utilization, _layers.BaseLoad[node], load);

    /// <summary>Φ of a chain of pieces by terms, or null when it breaks a hard rule.</summary>
    internal CostBreakdown? TryPrice(ReadOnlySpan<Piece> pieces)
    {
        long latency = EndLatency, privacy = 0, migration = 0, utilization = 0, miss = 0;
        long[] memory = new long[NodeCount], load = new long[NodeCount];
        int[] segments = new int[NodeCount];
        long[] times = (long[])EndTimes.Clone();
        for (int p = 0; p < pieces.Length; p++)
        {
            (int node, int start, int end) = pieces[p];
            int from = p == 0 ? Origin : pieces[p - 1].Node;
            if ((p > 0 && from == node) || !_hops.IsUsable(from, node) || _layers.MaxEnd(node, start) < end || !MayCut(start, end) || ++segments[node] > MaxSegments(node))
            {
                return null;
            }

            latency += _hops.Latency(from, node);
            _hops.AddTimes(from, node, times);
            for (int u = start; u < end; u++)
            {
                latency += _layers.Latency(node, u);
                privacy += _layers.Privacy(node, u);
                migration += _layers.Migration(node, u);
                memory[node] += _layers.Memory[u];
                load[node] += _layers.Load(node, u);
                _layers.AddTimes(node, u, times);
            }
        }

        int last = pieces[^1].Node;
        if (!_hops.IsReturnUsable(last))
        {
            return null;
        }

        latency += _hops.ReturnLatency(last);
        _hops.AddReturnTimes(last, times);
        for (int n = 0; n < NodeCount; n++)
        {
            if (memory[n] > 0 && memory[n] > _layers.MemoryLimit[n])
            {
                return null;
            }

            if (load[n] > 0)
            {
                if (load[n] > _layers.LoadLimit[n])
                {
                    return null;
                }

                utilization += UtilizationCost(n, load[n]);
            }
        }

        for (int q = 0; q < times.Length; q++)
        {
            miss += Prices.Miss(q, times[q]);
        }

        return new CostBreakdown(latency, miss, utilization, privacy, migration);
    }
}
