using NativeSplit.Placement.Costs;

namespace NativeSplit.Placement.Solving;

/// <summary>Picks the labels of a boundary that are worth extending: drops those that others beat, keeps the best, merges the rest.</summary>
/// <remarks>
/// Merged labels make what follows a relaxation, as in decision diagrams of limited width (Bergman, Cire and van Hoeve 2015): the bound of
/// what isn't looked at one by one goes on rising, where dropping would freeze it.
/// </remarks>
internal sealed class LabelSelection
{
    // Labels of a node that a newcomer is compared with, besides those with the same full nodes.
    private const int MostCompared = 32;

    private readonly CostModel _model;
    private readonly SegmentTable _segments;
    private readonly Relaxation _relaxation;
    private readonly LabelPool[] _at;
    private readonly BudgetMeter _meter;
    private readonly double[] _missSlope;
    private readonly List<int>[] _ofNode;
    private readonly Dictionary<(int Node, UInt128 Full), List<int>> _sameFull = [];
    private readonly Dictionary<(int Node, UInt128 Known), int> _merged = [];
    private readonly UInt128[] _known;
    private LabelPool _next;
    private int _knownVersion = -1;

    public LabelSelection(SegmentTable segments, Relaxation relaxation, LabelPool[] at, BudgetMeter meter)
    {
        (_segments, _model, _relaxation, _at, _meter) = (segments, segments.Model, relaxation, at, meter);
        _next = new LabelPool(_model.Prices.Count);
        _known = new UInt128[_model.NodeCount];
        _missSlope = new double[_model.Prices.Count];
        for (int q = 0; q < _missSlope.Length; q++)
        {
            _missSlope[q] = _model.Prices.MissPerMicrosecond(q);
        }

        _ofNode = new List<int>[_model.NodeCount];
        for (int n = 0; n < _ofNode.Length; n++)
        {
            _ofNode[n] = [];
        }
    }

    /// <summary>Leaves a boundary's best labels, by bound.</summary>
    /// <param name="boundary">The boundary.</param>
    /// <param name="width">Most that are kept as they are.</param>
    /// <param name="mergedWidth">Most kinds that the rest is merged into, besides one per node; negative to drop the rest.</param>
    /// <param name="cut">Labels with this bound or more are dropped.</param>
    /// <returns>Least bound of what was dropped below the cut; <see cref="long.MaxValue"/> for nothing.</returns>
    public long Run(int boundary, int width, int mergedWidth, long cut)
    {
        Begin();
        LabelPool labels = _at[boundary];
        int exact = 0;
        long dropped = long.MaxValue;
        foreach (int i in labels.ByBound())
        {
            ref Label label = ref labels[i];
            if (label.Bound >= cut)
            {
                break;
            }

            if (IsBeaten(labels, i, boundary))
            {
                continue;
            }

            if (exact >= width && mergedWidth < 0)
            {
                dropped = label.Bound;
                break;
            }

            if (label.IsMerged || exact >= width)
            {
                Merge(labels, i, mergedWidth);
            }
            else
            {
                exact++;
                Note(Copy(labels, i));
            }
        }

        (_at[boundary], _next) = (_next, labels);
        return dropped;
    }

    /// <summary>What the label's one open segment on the node takes.</summary>
    public (long Memory, long Load) Used(in Label label, int boundary, int node)
    {
        if ((label.Open >> node & 1) == 0)
        {
            return (0, 0);
        }

        Label at = label;
        while (at.Node != node)
        {
            (boundary, at) = (at.Start, _at[at.Start][at.Parent]);
        }

        return (_segments.Memory(at.Start, boundary), _segments.Load(node, at.Start, boundary));
    }

    private void Begin()
    {
        _next.Clear();
        _sameFull.Clear();
        _merged.Clear();
        foreach (List<int> of in _ofNode)
        {
            of.Clear();
        }

        if (_knownVersion != _relaxation.Memory.Version)
        {
            _knownVersion = _relaxation.Memory.Version;
            for (int n = 0; n < _known.Length; n++)
            {
                _known[n] = 0;
                foreach (int known in _relaxation.Memory.KnownAt(n))
                {
                    _known[n] |= UInt128.One << known;
                }
            }
        }
    }

    private int Copy(LabelPool labels, int i)
    {
        int at = _next.Add(labels[i]);
        labels.Times(i).CopyTo(_next.Times(at));
        return at;
    }

    private void Note(int at)
    {
        ref Label label = ref _next[at];
        if (_ofNode[label.Node].Count < MostCompared)
        {
            _ofNode[label.Node].Add(at);
            return;
        }

        if (!_sameFull.TryGetValue((label.Node, label.Full), out List<int>? others))
        {
            others = [];
            _sameFull.Add((label.Node, label.Full), others);
        }

        others.Add(at);
    }

    private void Merge(LabelPool labels, int i, int mergedWidth)
    {
        ref Label label = ref labels[i];
        bool isFine = _merged.Count < mergedWidth;
        (int, UInt128) key = (label.Node, label.Full & _known[label.Node]);
        if (!_merged.TryGetValue(key, out int at) && !isFine)
        {
            // The highest bit is no node's, so this can't be one of the fine kinds.
            key = (label.Node, UInt128.MaxValue);
        }

        if (!_merged.TryGetValue(key, out at))
        {
            at = Copy(labels, i);
            (_next[at].IsMerged, _next[at].Open) = (true, 0);
            _merged.Add(key, at);
            return;
        }

        ref Label into = ref _next[at];
        if (label.Priced < into.Priced)
        {
            (into.Start, into.Parent) = (label.Start, label.Parent);
        }

        into.Priced = Math.Min(into.Priced, label.Priced);
        into.Cost = Math.Min(into.Cost, label.Cost);
        into.Bound = Math.Min(into.Bound, label.Bound);
        into.Mask = _relaxation.Memory.Meet(into.Node, into.Mask, label.Mask);
        into.Full &= label.Full;
        Span<long> times = _next.Times(at), other = labels.Times(i);
        for (int q = 0; q < times.Length; q++)
        {
            times[q] = Math.Min(times[q], other[q]);
        }
    }

    private bool IsBeaten(LabelPool labels, int i, int boundary)
    {
        ref Label label = ref labels[i];
        return IsBeatenBy(_ofNode[label.Node], labels, i, boundary)
            || (_sameFull.Count > 0 && _sameFull.TryGetValue((label.Node, label.Full), out List<int>? others) && IsBeatenBy(others, labels, i, boundary));
    }

    private bool IsBeatenBy(List<int> others, LabelPool labels, int i, int boundary)
    {
        ref Label label = ref labels[i];
        _meter.Spend(others.Count / 4);
        foreach (int other in others)
        {
            ref Label by = ref _next[other];
            if (by.Cost <= label.Cost && (by.Full & ~label.Full) == 0 && Dominates(other, labels, i, boundary))
            {
                return true;
            }
        }

        return false;
    }

    // True when whatever completes b completes a too, and costs no more with a. Same boundary and node; a isn't merged, costs no more, and its full nodes are b's.
    private bool Dominates(int other, LabelPool labels, int i, int boundary)
    {
        ref Label a = ref _next[other], b = ref labels[i];
        if ((a.Open & ~(b.Open | b.Full)) != 0)
        {
            return false;
        }

        long slack = b.Cost - a.Cost;
        for (UInt128 open = (a.Open | b.Open) & ~b.Full; open != 0; open &= open - 1)
        {
            int n = (int)UInt128.TrailingZeroCount(open);
            (long memoryA, long loadA) = Used(a, boundary, n);
            (long memoryB, long loadB) = Used(b, boundary, n);
            if (memoryA > memoryB || loadA > loadB)
            {
                return false;
            }

            // Convex, so more load on top costs a no more than b; but floors can differ by one.
            slack -= loadA == loadB ? 0 : 1;
        }

        Span<long> timesA = _next.Times(other), timesB = labels.Times(i);
        for (int q = 0; q < timesA.Length && slack >= 0; q++)
        {
            // Above the price of the delay, which is rounded up once; out of range becomes the greatest number.
            slack -= timesA[q] > timesB[q] ? (long)Math.Min(1e18, (timesA[q] - timesB[q]) * _missSlope[q]) + 2 : 0;
        }

        return slack >= 0;
    }
}
