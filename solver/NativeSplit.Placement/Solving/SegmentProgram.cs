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
/// Between rounds the relaxation learns what to remember from the chains that come back to a node, which lifts the bound where multipliers
/// alone leave a gap; and windows of the best plan are filled anew, which lowers the other end.
/// </remarks>
internal sealed class SegmentProgram
{
    private const int FirstWidth = 8;
    private const int BeamWidth = 64;
    private const int MaxWidth = 1 << 14;
    private const int MaxMergedWidth = 1 << 11;
    private const int LabelWork = 8;
    private const int MostLessons = 8;
    private const int ClimbSteps = 20;
    private const int WorthwhileShare = 12;

    // Layers times nodes up to which labels cost less than prices.
    private const int TinySize = 64;

    // Small enough for labels to close before anything is learned.
    private const double NearGap = 0.05;

    private readonly CostModel _model;
    private readonly BudgetMeter _meter;
    private readonly SegmentTable _segments;
    private readonly Relaxation _relaxation;
    private readonly DualAscent _dual;
    private readonly bool _isWarm;
    private readonly bool _isTiny;
    private readonly Lazy<LabelSetting> _labels;
    private readonly LocalSearch _local;
    private readonly Lazy<WindowSearch> _windows;
    private readonly RouteLearning _learning;
    private long _searchedFrom = long.MaxValue;
    private long _bound = long.MinValue;

    /// <param name="model">The problem as tables.</param>
    /// <param name="meter">Budget.</param>
    /// <param name="warm">Multipliers of a like problem to start from; null, or of another kind of problem, for none.</param>
    public SegmentProgram(CostModel model, BudgetMeter meter, DualEvidence? warm = null)
    {
        _model = model;
        _meter = meter;
        Incumbent = new Incumbent(model);
        _segments = new SegmentTable(model);
        DualEvidence? fitted = WarmStart.Fit(_segments, warm);
        _isWarm = fitted is not null;
        _isTiny = model.LayerCount * model.NodeCount <= TinySize;
        _relaxation = fitted is null ? new Relaxation(_segments) : ResidualProblem.Apply(_segments, fitted, isRemembering: true);
        _dual = new DualAscent(_segments, _relaxation, Incumbent);
        _labels = new Lazy<LabelSetting>(() => new LabelSetting(_segments, _relaxation, Incumbent, meter));
        _local = new LocalSearch(model, Incumbent, meter);
        _windows = new Lazy<WindowSearch>(() => new WindowSearch(_segments, _relaxation, Incumbent, meter));
        _learning = new RouteLearning(_segments, _relaxation.Memory);
    }

    /// <summary>The best chain found.</summary>
    public Incumbent Incumbent { get; }

    /// <summary>Searches until the gap is closed or the budget is gone.</summary>
    public SearchOutcome Run()
    {
        OfferCurrent();
        if (_isWarm)
        {
            _dual.Climb(1, 1.0, _meter);
            Raise(DualAscent.CeilDiv(_dual.Bound));
            if (IsClosed())
            {
                return Outcome(true, _bound);
            }
        }

        _dual.Climb(_isWarm || _isTiny ? 8 : 25, 1.0, _meter);
        if (_dual.Bound >= Relaxation.Infinite)
        {
            return Outcome(true, long.MaxValue);
        }

        if (!Incumbent.Exists)
        {
            FindFirst();
        }

        _local.Run();
        int bits = _model.NodeCount switch { <= 4 => NodeMemory.MaxBits, <= 8 => 8, <= 16 => 6, _ => 4 };
        int width = _model.NodeCount <= 8 ? BeamWidth : 4 * BeamWidth;
        for (bool isFirst = true; ; isFirst = false)
        {
            if (isFirst && !_isTiny)
            {
                _dual.Climb(ClimbSteps, 1.0, _meter);
            }

            bool isNear = isFirst && (_isTiny || Gap() < NearGap * Incumbent.Cost * Relaxation.Scale);
            bits = isNear ? bits : Sharpen(bits);
            Raise(DualAscent.CeilDiv(_dual.Bound));
            if (_dual.Bound >= Relaxation.Infinite)
            {
                return Outcome(true, long.MaxValue);
            }

            // As long as labels are cheaper than the next climb.
            long work = 0;
            while (work < ClimbSteps * _relaxation.StepsPerRun)
            {
                if (IsClosed() || _meter.IsOver)
                {
                    return Outcome(IsClosed(), _bound);
                }

                long cut = Cut(), before = _labels.Value.LabelCount;
                _labels.Value.Run(width, Math.Min(width, MaxMergedWidth), cut);
                Raise(Math.Min(Math.Min(cut, Incumbent.Cost), _labels.Value.LeastUnseen));
                if (!Incumbent.Exists && _labels.Value.LeastUnseen == long.MaxValue)
                {
                    return Outcome(true, long.MaxValue);
                }

                work += (_labels.Value.LabelCount - before + 100) * LabelWork;
                width = Math.Min(MaxWidth, width * 3);
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

    private SearchOutcome Outcome(bool isClosed, long bound) => new(isClosed, bound, _labels.IsValueCreated ? _labels.Value.LabelCount : 0, _meter.Spent);

    private void Raise(long bound) => _bound = Math.Max(_bound, Math.Min(bound, Incumbent.Cost));

    // Plans at or above this are near enough to the incumbent.
    private long Cut() => Incumbent.Exists ? Incumbent.CostLess(_meter.AcceptedGap) : long.MaxValue;

    private bool IsClosed() => Incumbent.Exists && _bound >= Cut();

    // Beams of growing width that drop what is too much, until there is a plan.
    private void FindFirst()
    {
        for (int width = FirstWidth; width <= BeamWidth && !Incumbent.Exists && !_meter.IsOver; width *= 8)
        {
            _labels.Value.Run(width, -1, long.MaxValue);
        }
    }

    // Once per incumbent: the windows stop where nothing in them helps.
    private void Improve()
    {
        if (Incumbent.Exists && Incumbent.Cost < _searchedFrom)
        {
            _windows.Value.Run(long.MaxValue / 2);
            _local.Run();
            _searchedFrom = Incumbent.Cost;
        }
    }

    // Learns and climbs by turns, while that goes on lifting the bound. Gives the bits for the next time.
    private int Sharpen(int bits)
    {
        for (int round = 0; round < MostLessons; round++)
        {
            long before = _dual.Bound;
            bool isNew = _learning.Learn(_dual.Chains, bits);
            if (!isNew && round > 0)
            {
                break;
            }

            _dual.Climb(isNew ? ClimbSteps : 2 * ClimbSteps, 0.5, _meter);
            Raise(DualAscent.CeilDiv(_dual.Bound));
            if (_dual.Bound >= Relaxation.Infinite || IsClosed() || _meter.IsOver)
            {
                return bits;
            }

            if (round == 0)
            {
                Improve();
            }

            if (_dual.Bound - before < Gap() / WorthwhileShare)
            {
                break;
            }
        }

        return Math.Min(NodeMemory.MaxBits, bits + 2);
    }

    // Between the best plan and the multipliers' bound, scaled.
    private double Gap() => Incumbent.Exists ? ((double)Incumbent.Cost * Relaxation.Scale) - _dual.Bound : double.MaxValue;
}
