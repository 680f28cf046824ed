using System.Runtime.InteropServices;
using NativeSplit.Placement.Costs;

namespace NativeSplit.Placement.Solving;

/// <summary>Builds plans boundary by boundary, extends at most so many beginnings per boundary one by one, and drops what can't beat the incumbent.</summary>
/// <remarks>
/// A beginning is dropped only if its bound (own cost plus the relaxation's cheapest rest) reaches the cut, or another one at the same
/// boundary and node is at least as good whatever follows. Beginnings past the width are merged (<see cref="LabelSelection"/>) and go on as
/// relaxed ones. So a run proves that no plan costs less than the incumbent, the cut, or <see cref="LeastUnseen"/>.
/// </remarks>
internal sealed class LabelSetting
{
    // Labels that may wait at a boundary before the best of them are picked, per label of the width: bounds memory.
    private const int RoomPerWidth = 8, MostSpareRoom = 30_000;
    private const int StepsPerLabel = 4;

    private readonly SegmentTable _segments;
    private readonly CostModel _model;
    private readonly Relaxation _relaxation;
    private readonly Incumbent _incumbent;
    private readonly BudgetMeter _meter;
    private readonly int _layers;
    private readonly int _nodes;
    private readonly LabelPool[] _at;
    private readonly LabelSelection _selection;
    private readonly UInt128[] _bit;
    private readonly List<Piece> _relaxed = [];
    private long _cut;
    private int _width;
    private int _mergedWidth;

    public LabelSetting(SegmentTable segments, Relaxation relaxation, Incumbent incumbent, BudgetMeter meter)
    {
        (_segments, _model, _relaxation, _incumbent, _meter) = (segments, segments.Model, relaxation, incumbent, meter);
        _layers = _model.LayerCount;
        _nodes = _model.NodeCount;
        _at = new LabelPool[_layers];
        for (int j = 0; j < _layers; j++)
        {
            _at[j] = new LabelPool(_model.Prices.Count);
        }

        _bit = new UInt128[_nodes];
        for (int n = 0; n < _nodes; n++)
        {
            _bit[n] = UInt128.One << n;
        }

        _selection = new LabelSelection(segments, relaxation, _at, meter);
    }

    /// <summary>Labels made in all runs.</summary>
    public long LabelCount { get; private set; }

    /// <summary>Least bound of the plans that the last run didn't look at one by one; <see cref="long.MaxValue"/> when it looked at all below the cut.</summary>
    public long LeastUnseen { get; private set; }

    /// <summary>The relaxed chain with that bound, which breaks a rule somewhere; empty when there is none.</summary>
    public ReadOnlySpan<Piece> Relaxed => CollectionsMarshal.AsSpan(_relaxed);

    private long Cut => Math.Min(_cut, _incumbent.Cost);

    /// <summary>One run. Improves the incumbent where it can. The relaxation has run.</summary>
    /// <param name="width">Most labels per boundary that are extended one by one.</param>
    /// <param name="mergedWidth">Most kinds per boundary that the others are merged into, besides one per node; negative to drop the others.</param>
    /// <param name="cut">Plans that cost this or more are of no interest.</param>
    public void Run(int width, int mergedWidth, long cut)
    {
        LeastUnseen = long.MaxValue;
        _relaxed.Clear();
        (_width, _mergedWidth, _cut) = (width, mergedWidth, cut);
        foreach (LabelPool pool in _at)
        {
            pool.Clear();
        }

        Extend(default, -1, 0);
        for (int j = 1; j < _layers; j++)
        {
            if (_meter.IsOver)
            {
                LeastUnseen = Math.Min(LeastUnseen, _at[j].LeastBound());
                continue;
            }

            Select(j);
            for (int i = 0; i < _at[j].Count && _at[j][i].Bound < Cut; i++)
            {
                if (_meter.IsOver)
                {
                    LeastUnseen = Math.Min(LeastUnseen, _at[j][i].Bound);
                    continue;
                }

                Extend(_at[j][i], i, j);
            }
        }

        LeastUnseen = LeastUnseen >= Cut ? long.MaxValue : LeastUnseen;
    }

    private void Select(int boundary) => LeastUnseen = Math.Min(LeastUnseen, _selection.Run(boundary, _width, _mergedWidth, Cut));

    // A place of -1 stands for the origin before the first layer.
    private void Extend(in Label label, int place, int start)
    {
        bool isFirst = place < 0;
        for (int n = 0; n < _nodes; n++)
        {
            if (isFirst ? !_model.Hops.IsUsable(_model.Origin, n) : n == label.Node || (label.Full & _bit[n]) != 0 || !_model.Hops.IsUsable(label.Node, n))
            {
                continue;
            }

            int mask = isFirst ? 0 : _relaxation.Memory.Moves(label.Node, n)[label.Mask];
            if (mask < 0)
            {
                continue;
            }

            long before = isFirst ? _relaxation.Start(n) : label.Priced + _relaxation.Hop(label.Node, n);
            if (Bound(before, _relaxation.Enter(mask, n, start)) < Cut)
            {
                ExtendTo(label, place, n, start, mask, before);
            }
        }
    }

    private void ExtendTo(in Label label, int place, int n, int start, int mask, long before)
    {
        bool isFirst = place < 0, isSecond = !isFirst && (label.Open & _bit[n]) != 0;
        (long usedMemory, long usedLoad) = isSecond ? _selection.Used(label, start, n) : (0, 0);
        long hop = _model.Hops.Latency(isFirst ? _model.Origin : label.Node, n);
        int maxEnd = _segments.MaxEnd(n, start);
        _meter.Spend(maxEnd - start);
        for (int end = start + 1; end <= maxEnd; end++)
        {
            int after = _model.MayCut(start, end) ? _relaxation.Memory.After(mask, n, start, end) : -1;
            if (after < 0)
            {
                continue;
            }

            long priced = before + _relaxation.Segment(_segments.Index(n, start, end));
            long utilization = _segments.UtilizationAlone(n, start, end);
            if (isSecond)
            {
                long load = usedLoad + _segments.Load(n, start, end);
                if (usedMemory + _segments.Memory(start, end) > _model.Layers.MemoryLimit[n] || load > _model.Layers.LoadLimit[n])
                {
                    break;
                }

                long added = _model.UtilizationCost(n, load) - _model.UtilizationCost(n, usedLoad);
                priced += Relaxation.Scale * (added - utilization);
                utilization = added;
            }

            long bound = Math.Max(isFirst ? long.MinValue : label.Bound, Bound(priced, _relaxation.Leave(after, n, end)));
            if (bound < Cut)
            {
                // A node without room for the smallest layer to come is as good as full, which lets more labels compare.
                bool isFull = isSecond || _model.MaxSegments(n) == 1
                    || _model.Layers.MemoryLimit[n] - usedMemory - _segments.Memory(start, end) < _relaxation.Memory.LeastMemoryFrom(end);
                Label made = new()
                {
                    Node = n,
                    Start = start,
                    Parent = place,
                    Mask = after,
                    IsMerged = label.IsMerged,
                    Cost = label.Cost + hop + _segments.LinearCost(n, start, end) + utilization,
                    Priced = priced,
                    Bound = bound,
                    Full = label.Full | (isFull ? _bit[n] : 0),
                    Open = (label.Open & ~_bit[n]) | (isFull ? 0 : _bit[n]),
                };
                LabelCount++;
                _meter.Spend(StepsPerLabel);
                Take(made, place < 0 ? _model.EndTimes : _at[start].Times(place), end);
            }
        }
    }

    private void Take(in Label made, ReadOnlySpan<long> before, int end)
    {
        int from = made.Parent < 0 ? _model.Origin : _at[made.Start][made.Parent].Node;
        if (end == _layers)
        {
            if (made.IsMerged)
            {
                FinishRelaxed(made, before, from);
            }
            else
            {
                _incumbent.Offer(CollectionsMarshal.AsSpan(ChainOf(made, end)));
            }

            return;
        }

        LabelPool here = _at[end];
        int i = here.Add(made);
        AddTimes(made, before, from, end, here.Times(i));
        int kept = _width + Math.Max(0, _mergedWidth) + _nodes;
        if (here.Count > Math.Min(RoomPerWidth * kept, (2 * kept) + MostSpareRoom))
        {
            Select(end);
        }
    }

    // At the end the true cost is known, which the multipliers' price of what was left unused may be below.
    private void FinishRelaxed(in Label made, ReadOnlySpan<long> before, int from)
    {
        Span<long> times = stackalloc long[before.Length];
        AddTimes(made, before, from, _layers, times);
        _model.Hops.AddReturnTimes(made.Node, times);
        long cost = made.Cost + _model.EndLatency + _model.Hops.ReturnLatency(made.Node);
        for (int q = 0; q < times.Length; q++)
        {
            cost += _model.Prices.Miss(q, times[q]);
        }

        long bound = Math.Max(made.Bound, cost);
        if (bound < Math.Min(LeastUnseen, Cut))
        {
            LeastUnseen = bound;
            _relaxed.Clear();
            _relaxed.AddRange(ChainOf(made, _layers));
        }
    }

    private void AddTimes(in Label made, ReadOnlySpan<long> before, int from, int end, Span<long> times)
    {
        before.CopyTo(times);
        _model.Hops.AddTimes(from, made.Node, times);
        _segments.AddTimes(made.Node, made.Start, end, times);
    }

    private List<Piece> ChainOf(in Label label, int end)
    {
        List<Piece> pieces = [];
        Label at = label;
        while (true)
        {
            pieces.Add(new Piece(at.Node, at.Start, end));
            if (at.Parent < 0)
            {
                break;
            }

            (end, at) = (at.Start, _at[at.Start][at.Parent]);
        }

        pieces.Reverse();
        return pieces;
    }

    private long Bound(long priced, long rest) =>
        rest >= Relaxation.Infinite ? long.MaxValue : DualAscent.CeilDiv(priced + rest + _relaxation.Constant);
}
