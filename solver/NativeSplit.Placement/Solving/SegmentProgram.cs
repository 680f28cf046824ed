using NativeSplit.Placement.Certifying;
using NativeSplit.Placement.Costs;

namespace NativeSplit.Placement.Solving;

/// <summary>How a search ended.</summary>
/// <param name="IsClosed">True when the gap that was asked for is proven, or that no plan exists.</param>
/// <param name="LowerBound">No plan costs less, in 1e-5; <see cref="long.MaxValue"/> when none exists.</param>
/// <param name="LabelCount">Beginnings of plans looked at.</param>
/// <param name="Steps">Steps spent.</param>
internal sealed record SearchOutcome(bool IsClosed, long LowerBound, long LabelCount, long Steps);

/// <summary>The exact search: multipliers for a lower bound, label setting with a growing beam for plans and the certificate.</summary>
/// <remarks>
/// Between rounds the nodes that the relaxation most often uses too often get a bit in its state (decremental state space relaxation,
/// Righini and Salani 2008), which lifts the bound where multipliers alone leave a gap.
/// </remarks>
internal sealed class SegmentProgram
{
    private const int FirstWidth = 8;
    private const int BeamWidth = 64;
    private const int MaxWidth = 1 << 17;
    internal const int MaxTracked = 8;

    private readonly CostModel _model;
    private readonly BudgetMeter _meter;
    private readonly SegmentTable _segments;
    private readonly Relaxation _relaxation;
    private readonly DualAscent _dual;
    private readonly LabelSetting _labels;
    private readonly LocalSearch _local;
    private long _bound = long.MinValue;

    public SegmentProgram(CostModel model, BudgetMeter meter)
    {
        _model = model;
        _meter = meter;
        Incumbent = new Incumbent(model);
        _segments = new SegmentTable(model);
        _relaxation = new Relaxation(_segments);
        _dual = new DualAscent(_segments, _relaxation, Incumbent);
        _labels = new LabelSetting(_segments, _relaxation, Incumbent, meter);
        _local = new LocalSearch(model, Incumbent, meter);
    }

    /// <summary>The best chain found.</summary>
    public Incumbent Incumbent { get; }

    /// <summary>Searches until the gap is closed or the budget is gone.</summary>
    public SearchOutcome Run()
    {
        OfferCurrent();
        _dual.Climb(25, 1.0, _meter);
        if (_dual.Bound >= Relaxation.Infinite)
        {
            return Outcome(true, long.MaxValue);
        }

        if (!Incumbent.Exists)
        {
            _labels.Run(FirstWidth, long.MaxValue);
        }

        _local.Run();
        _dual.Climb(40, 1.0, _meter);
        for (int width = BeamWidth; ; width = Math.Min(MaxWidth, width * 4))
        {
            if (_dual.Bound >= Relaxation.Infinite)
            {
                return Outcome(true, long.MaxValue);
            }

            Raise(DualAscent.CeilDiv(_dual.Bound));
            if (IsClosed() || _meter.IsOver)
            {
                return Outcome(IsClosed(), _bound);
            }

            long cut = Cut();
            _labels.Run(width, cut);
            _local.Run();
            Raise(Math.Min(Math.Min(cut, Incumbent.Cost), _labels.LeastDropped));
            if (!Incumbent.Exists && _labels.LeastDropped == long.MaxValue)
            {
                return Outcome(true, long.MaxValue);
            }

            if (!IsClosed())
            {
                TrackMore();
                _dual.Climb(12, 0.4, _meter);
            }
        }
    }

    /// <summary>The multipliers as they stand, for whoever wants to check the bound or to go on from it.</summary>
    public DualEvidence Evidence() => Tightening.EvidenceOf(_segments, _relaxation);

    // What runs now is a plan too, and often one that is hard to beat.
    private void OfferCurrent()
    {
        if (_model.Problem.Migration is not { } migration)
        {
            return;
        }

        List<Piece> pieces = [];
        int end = 0;
        foreach (PlanSegment segment in migration.Current.Segments)
        {
            int node = _model.IndexOf(segment.Node);
            if (node < 0 || segment.Layers.Start != end || segment.Layers.IsEmpty)
            {
                return;
            }

            end = segment.Layers.End;
            pieces.Add(new Piece(node, segment.Layers.Start, end));
        }

        Incumbent.Offer(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(pieces));
    }

    private SearchOutcome Outcome(bool isClosed, long bound) => new(isClosed, bound, _labels.LabelCount, _meter.Spent);

    private void Raise(long bound) => _bound = Math.Max(_bound, Math.Min(bound, Incumbent.Cost));

    // Plans at or above this are near enough to the incumbent.
    private long Cut() => Incumbent.Exists
        ? Incumbent.Cost - (long)((Int128)Incumbent.Cost * _meter.AcceptedGap / 1_000_000)
        : long.MaxValue;

    private bool IsClosed() => Incumbent.Exists && _bound >= Cut();

    private void TrackMore()
    {
        for (int added = 0; added < 2 && Tightening.TrackWorst(_model, _relaxation, _dual, MaxTracked); added++)
        {
        }
    }
}
