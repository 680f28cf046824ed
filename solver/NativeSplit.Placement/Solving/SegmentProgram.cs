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
    private const int MaxTracked = 8;

    private readonly CostModel _model;
    private readonly BudgetMeter _meter;
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
        SegmentTable segments = new(model);
        _relaxation = new Relaxation(segments);
        _dual = new DualAscent(segments, _relaxation, Incumbent);
        _labels = new LabelSetting(segments, _relaxation, Incumbent, meter);
        _local = new LocalSearch(model, Incumbent, meter);
    }

    /// <summary>The best chain found.</summary>
    public Incumbent Incumbent { get; }

    /// <summary>Searches until the gap is closed or the budget is gone.</summary>
    public SearchOutcome Run()
    {
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

    private SearchOutcome Outcome(bool isClosed, long bound) => new(isClosed, bound, _labels.LabelCount, _meter.Spent);

    private void Raise(long bound) => _bound = Math.Max(_bound, Math.Min(bound, Incumbent.Cost));

    // Plans at or above this are near enough to the incumbent.
    private long Cut() => Incumbent.Exists
        ? Incumbent.Cost - (long)((Int128)Incumbent.Cost * _meter.AcceptedGap / 1_000_000)
        : long.MaxValue;

    private bool IsClosed() => Incumbent.Exists && _bound >= Cut();

    private void TrackMore()
    {
        for (int added = 0; added < 2 && _relaxation.TrackedCount < MaxTracked; added++)
        {
            int worst = -1;
            for (int n = 0; n < _model.NodeCount; n++)
            {
                if (_relaxation.Bit[n] == 0 && _model.MaxSegments(n) == 1 && _dual.OverVisited[n] > (worst < 0 ? 0 : _dual.OverVisited[worst]))
                {
                    worst = n;
                }
            }

            if (worst < 0)
            {
                return;
            }

            _relaxation.Track(worst);
        }
    }
}
