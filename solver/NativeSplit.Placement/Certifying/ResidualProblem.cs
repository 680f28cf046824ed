using NativeSplit.Model;
using NativeSplit.Placement.Costs;
using NativeSplit.Placement.Problems;
using NativeSplit.Placement.Solving;

namespace NativeSplit.Placement.Certifying;

/// <summary>A segment that a plan with Φ ≤ the goal could have.</summary>
/// <param name="Node">Node, by index.</param>
/// <param name="Start">First layer.</param>
/// <param name="End">Layer after the last.</param>
/// <param name="Cost">α·L of its layers, γ·P, migration, and β·U were it alone on its node, in 1e-5.</param>
/// <param name="ReducedCost">What it adds to the cheapest chain at the multipliers' prices, in 1/<see cref="DualEvidence.Scale"/> of 1e-5; from 0.</param>
public readonly record struct CandidateSegment(int Node, int Start, int End, long Cost, long ReducedCost);

/// <summary>What the bound leaves of a problem when only plans with Φ ≤ a goal are of interest: candidate segments, and what chains of them cost.</summary>
/// <remarks>Every plan with Φ ≤ <see cref="Goal"/> is a chain of <see cref="Segments"/>. A prover needs nothing else.</remarks>
public sealed class ResidualProblem
{
    private readonly CostModel _model;
    private readonly SegmentTable _table;
    private readonly Relaxation _prices;

    private ResidualProblem(CostModel model, SegmentTable table, Relaxation prices, long goal, List<CandidateSegment> segments)
    {
        (_model, _table, _prices) = (model, table, prices);
        Goal = goal;
        Segments = segments;
    }

    /// <summary>The problem.</summary>
    public PlacementProblem Problem => _model.Problem;

    /// <summary>Φ wanted, in 1e-5.</summary>
    public long Goal { get; }

    /// <summary>The segments that are left.</summary>
    public IReadOnlyList<CandidateSegment> Segments { get; }

    /// <summary>Φ of embedding and head, which every plan pays.</summary>
    public long BaseCost => _model.EndLatency;

    /// <summary>Most that the reduced costs of a wanted plan's segments, hops and way in sum to, in 1/<see cref="DualEvidence.Scale"/> of 1e-5.</summary>
    public long ReducedLimit => (DualEvidence.Scale * Goal) - _prices.LowerBound;

    /// <summary>Number of times with an SLO.</summary>
    public int TimeCount => _model.Prices.Count;

    /// <summary>Builds what the evidence leaves.</summary>
    /// <param name="problem">The problem.</param>
    /// <param name="evidence">Multipliers.</param>
    /// <param name="goal">Φ wanted, in 1e-5.</param>
    /// <exception cref="PlanException"><see cref="PlanFault.ProblemInvalid"/>.</exception>
    /// <exception cref="ArgumentException">The evidence isn't of this problem.</exception>
    public static ResidualProblem Build(PlacementProblem problem, DualEvidence evidence, long goal)
    {
        ArgumentNullException.ThrowIfNull(evidence);
        CostModel model = new(problem);
        SegmentTable table = new(model);
        Relaxation remembering = Apply(table, evidence, isRemembering: true), plain = remembering;
        if (!remembering.Memory.IsEmpty)
        {
            plain = Apply(table, evidence, isRemembering: false);
        }

        List<CandidateSegment> segments = [];
        if (remembering.LowerBound < Relaxation.Infinite && DualAscent.CeilDiv(remembering.LowerBound) <= goal)
        {
            new Elimination(table, remembering).Collect(goal, (n, start, end) => segments.Add(new CandidateSegment(
                n, start, end, table.LinearCost(n, start, end) + table.UtilizationAlone(n, start, end), Reduced(table, plain, n, start, end))));
        }

        return new ResidualProblem(model, table, plain, goal, segments);
    }

    /// <summary>True when a segment on one node can follow a segment on another.</summary>
    public bool CanFollow(int from, int to) => from != to && _model.Hops.IsUsable(from, to);

    /// <summary>α·L of a hop.</summary>
    public long HopCost(int from, int to) => _model.Hops.Latency(from, to);

    /// <summary>Reduced cost of a hop at a boundary.</summary>
    public long HopReducedCost(int from, int to, int boundary) =>
        _prices.Hop(from, to) + _prices.Enter(0, to, boundary) - _prices.Leave(0, from, boundary);

    /// <summary>α·L of the way in to a first segment on the node.</summary>
    public long StartCost(int node) => _model.Hops.Latency(_model.Origin, node);

    /// <summary>Reduced cost of the way in.</summary>
    public long StartReducedCost(int node) => _prices.Start(node) + _prices.Enter(0, node, 0) + _prices.Constant - _prices.LowerBound;

    /// <summary>α·L of the way back.</summary>
    public long ReturnCost(int node) => _model.Hops.ReturnLatency(node);

    /// <summary>Segments that a node may hold.</summary>
    public int MaxSegments(int node) => _model.MaxSegments(node);

    /// <summary>What two segments on one node cost together above what they cost apart, in 1e-5; null when the node can't hold both.</summary>
    public long? PairSurplus(CandidateSegment a, CandidateSegment b)
    {
        long load = _table.Load(a.Node, a.Start, a.End) + _table.Load(b.Node, b.Start, b.End);
        return _table.Memory(a.Start, a.End) + _table.Memory(b.Start, b.End) > _model.Layers.MemoryLimit[a.Node] || load > _model.Layers.LoadLimit[a.Node]
            ? null
            : _model.UtilizationCost(a.Node, load) - _table.UtilizationAlone(a.Node, a.Start, a.End) - _table.UtilizationAlone(b.Node, b.Start, b.End);
    }

    /// <summary>Times of a segment, in µs.</summary>
    public long[] Times(CandidateSegment segment)
    {
        long[] times = new long[TimeCount];
        for (int u = segment.Start; u < segment.End; u++)
        {
            _model.Layers.AddTimes(segment.Node, u, times);
        }

        return times;
    }

    /// <summary>Time of a hop, in µs.</summary>
    public long HopTime(int from, int to, int time) => _model.Hops.Times(from, to)[time];

    /// <summary>Time of the way in, in µs.</summary>
    public long StartTime(int node, int time) => _model.Hops.Times(_model.Origin, node)[time];

    /// <summary>Time of the way back, in µs.</summary>
    public long ReturnTime(int node, int time) => _model.Hops.ReturnTimes(node)[time];

    /// <summary>SLO less the time of embedding and head, in µs; negative when these alone miss it.</summary>
    public long TimeRoom(int time) => _model.Prices.Objective[time] - _model.EndTimes[time];

    /// <summary>Price of being so many µs late, in 1e-5, rounded down.</summary>
    public long MissPriceAtLeast(int time, long excess) => Math.Max(0, _model.Prices.MissOf(time, excess) - 1);

    /// <summary>Φ of a chain of candidates by terms, in layer order; null when it breaks a rule.</summary>
    public CostBreakdown? Price(IReadOnlyList<CandidateSegment> chain)
    {
        ArgumentNullException.ThrowIfNull(chain);
        Piece[] pieces = [.. chain.Select(s => new Piece(s.Node, s.Start, s.End))];
        return _model.TryPrice(pieces);
    }

    /// <summary>The chain as a plan, with the epoch after the plan in force.</summary>
    public Plan ToPlan(IReadOnlyList<CandidateSegment> chain) => new(
        new PlanEpoch((Problem.Migration?.Current.Epoch.Value ?? 0) + 1),
        [.. chain.Select(s => new PlanSegment(new LayerRange(s.Start, s.End), Problem.Nodes[s.Node].Id))]);

    private static long Reduced(SegmentTable table, Relaxation prices, int n, int start, int end) =>
        prices.Segment(table.Index(n, start, end)) + prices.Leave(0, n, end) - prices.Enter(0, n, start);

    /// <summary>True when the evidence's prices mean something for the problem: same nodes, times and units, none below zero or past a miss.</summary>
    internal static bool IsLike(SegmentTable table, DualEvidence evidence)
    {
        CostModel model = table.Model;
        return evidence.Nodes.Count == model.NodeCount && evidence.Times.Count == model.Prices.Count && evidence.MemoryUnitBytes == table.MemoryUnit
            && evidence.Nodes.All(p => p is { Memory: >= 0, Load: >= 0, Segments: >= 0 })
            && Enumerable.Range(0, evidence.Times.Count).All(q => evidence.Times[q] >= 0 && evidence.Times[q] <= model.Prices.MissSlope(q, Relaxation.Scale))
            && evidence.LevelBits is >= 2 and <= 7 && evidence.Remembered.Count == model.NodeCount && evidence.Remembered.All(known => known.All(n => n >= 0 && n < model.NodeCount));
    }

    internal static Relaxation Apply(SegmentTable table, DualEvidence evidence, bool isRemembering)
    {
        CostModel model = table.Model;
        if (!IsLike(table, evidence))
        {
            throw new ArgumentException("The evidence isn't of this problem: prices below zero or past a miss, or other nodes, times or units.", nameof(evidence));
        }

        Relaxation relaxation = new(table, evidence.LevelBits);
        for (int n = 0; n < model.NodeCount; n++)
        {
            (relaxation.Multipliers.Memory[n], relaxation.Multipliers.Load[n], relaxation.Multipliers.Visits[n]) = (evidence.Nodes[n].Memory, evidence.Nodes[n].Load, evidence.Nodes[n].Segments);
        }

        evidence.Times.ToArray().CopyTo(relaxation.Multipliers.Time, 0);
        if (isRemembering)
        {
            Remember(relaxation.Memory, evidence);
        }

        relaxation.Run();
        return relaxation;
    }

    private static void Remember(NodeMemory memory, DualEvidence evidence)
    {
        for (int at = 0; at < evidence.Remembered.Count; at++)
        {
            foreach (int node in evidence.Remembered[at])
            {
                memory.TryRemember(node, [at], NodeMemory.MaxBits);
            }
        }

        memory.Lay();
    }
}
