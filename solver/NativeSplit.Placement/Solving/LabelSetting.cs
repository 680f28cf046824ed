using NativeSplit.Placement.Costs;

namespace NativeSplit.Placement.Solving;

/// <summary>Builds plans boundary by boundary, keeps at most so many beginnings per boundary, and drops what can't beat the incumbent.</summary>
/// <remarks>
/// A beginning is dropped only if its bound (own cost plus the relaxation's cheapest rest) reaches the cut, or another one at the same
/// boundary and node is at least as good whatever follows. So a run that never had to cut the beam has seen every better plan.
/// </remarks>
internal sealed class LabelSetting
{
    // Labels that may wait at a boundary before the best of them are picked, per label of the beam: bounds memory.
    private const int RoomPerWidth = 16;

    private readonly SegmentTable _segments;
    private readonly CostModel _model;
    private readonly Relaxation _relaxation;
    private readonly Incumbent _incumbent;
    private readonly BudgetMeter _meter;
    private readonly int _layers;
    private readonly int _nodes;
    private readonly Dictionary<(int Node, UInt128 Full), List<Label>>[] _at;
    private readonly long[] _minMemoryAfter;
    private readonly int[] _counts;
    private long _nextNumber;
    private long _room;

    public LabelSetting(SegmentTable segments, Relaxation relaxation, Incumbent incumbent, BudgetMeter meter)
    {
        _segments = segments;
        _model = segments.Model;
        _relaxation = relaxation;
        _incumbent = incumbent;
        _meter = meter;
        _layers = _model.LayerCount;
        _nodes = _model.NodeCount;
        _at = new Dictionary<(int, UInt128), List<Label>>[_layers];
        _counts = new int[_layers];
        _minMemoryAfter = new long[_layers + 1];
        _minMemoryAfter[_layers] = long.MaxValue;
        for (int u = _layers - 1; u >= 0; u--)
        {
            _minMemoryAfter[u] = Math.Min(_minMemoryAfter[u + 1], _model.Layers.Memory[u]);
        }
    }

    /// <summary>Labels made in all runs.</summary>
    public long LabelCount => _nextNumber;

    /// <summary>Least bound of what the last run dropped for room or time; <see cref="long.MaxValue"/> when it dropped nothing.</summary>
    public long LeastDropped { get; private set; }

    /// <summary>One run. Improves the incumbent where it can.</summary>
    /// <param name="width">Most labels kept per boundary.</param>
    /// <param name="cut">Plans that cost this or more are of no interest.</param>
    public void Run(int width, long cut)
    {
        LeastDropped = long.MaxValue;
        _room = (long)width * RoomPerWidth;
        Array.Clear(_counts);
        for (int j = 0; j < _layers; j++)
        {
            _at[j] = [];
        }

        Extend(null, 0, cut);
        for (int j = 1; j < _layers; j++)
        {
            List<Label> labels = [.. _at[j].Values.SelectMany(l => l)];
            labels.Sort(ByBound);
            _at[j] = [];
            for (int i = 0; i < labels.Count; i++)
            {
                if (labels[i].Bound >= Math.Min(cut, _incumbent.Cost))
                {
                    break;
                }

                if (i >= width || _meter.IsOver)
                {
                    LeastDropped = Math.Min(LeastDropped, labels[i].Bound);
                    break;
                }

                Extend(labels[i], j, cut);
            }
        }
    }

    private static int ByBound(Label a, Label b)
    {
        int order = a.Bound.CompareTo(b.Bound);
        order = order != 0 ? order : a.Cost.CompareTo(b.Cost);
        return order != 0 ? order : a.Number.CompareTo(b.Number);
    }

    private void Extend(Label? label, int start, long cut)
    {
        UInt128 full = label?.Full ?? 0;
        for (int n = 0; n < _nodes; n++)
        {
            if ((full >> n & 1) != 0 || n == label?.Node || (label is null ? !_model.Hops.IsUsable(_model.Origin, n) : !_model.Hops.IsUsable(label.Node, n)))
            {
                continue;
            }

            int mask = (label?.Mask ?? 0) | _relaxation.Bit[n];
            long before = label is null ? _relaxation.Start(n) : label.Priced + _relaxation.Hop(label.Node, n);
            if (Bound(before, _relaxation.Enter(mask, n, start)) < Math.Min(cut, _incumbent.Cost))
            {
                ExtendTo(label, n, start, mask, before, cut);
            }
        }
    }

    private void ExtendTo(Label? label, int n, int start, int mask, long before, long cut)
    {
        bool isSecond = label is not null && (label.Open >> n & 1) != 0;
        (long usedMemory, long usedLoad) = isSecond ? Used(label!, n) : (0, 0);
        int maxEnd = _segments.MaxEnd(n, start);
        _meter.Spend(maxEnd - start);
        for (int end = start + 1; end <= maxEnd; end++)
        {
            if (!_model.MayCut(start, end))
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

            long bound = Bound(priced, _relaxation.Leave(mask, n, end));
            if (bound < Math.Min(cut, _incumbent.Cost))
            {
                Make(label, n, start, end, mask, priced, utilization, bound, usedMemory, isSecond);
            }
        }
    }

    private void Make(Label? label, int n, int start, int end, int mask, long priced, long utilization, long bound, long usedMemory, bool isSecond)
    {
        int from = label?.Node ?? _model.Origin;
        long cost = (label?.Cost ?? 0) + _model.Hops.Latency(from, n) + _segments.LinearCost(n, start, end) + utilization;
        long[] times = (long[])(label?.Times ?? _model.EndTimes).Clone();
        _model.Hops.AddTimes(from, n, times);
        for (int u = start; u < end; u++)
        {
            _model.Layers.AddTimes(n, u, times);
        }

        // A node without room for the smallest layer to come is as good as full, which lets more labels compare.
        bool isFull = isSecond || _model.MaxSegments(n) == 1
            || _model.Layers.MemoryLimit[n] - usedMemory - _segments.Memory(start, end) < _minMemoryAfter[end];
        UInt128 bit = UInt128.One << n;
        var made = new Label
        {
            Node = n,
            Start = start,
            End = end,
            Parent = label,
            Cost = cost,
            Priced = priced,
            Bound = bound,
            Mask = mask,
            Full = (label?.Full ?? 0) | (isFull ? bit : 0),
            Open = ((label?.Open ?? 0) & ~bit) | (isFull ? 0 : bit),
            Number = _nextNumber++,
            Times = times,
        };
        if (end == _layers)
        {
            Finish(made);
        }
        else
        {
            Keep(made);
        }
    }

    private void Finish(Label label)
    {
        List<Piece> pieces = [];
        for (Label? l = label; l is not null; l = l.Parent)
        {
            pieces.Insert(0, new Piece(l.Node, l.Start, l.End));
        }

        _incumbent.Offer(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(pieces));
    }

    private void Keep(Label made)
    {
        if (_counts[made.End] >= _room)
        {
            LeastDropped = Math.Min(LeastDropped, made.Bound);
            return;
        }

        _counts[made.End]++;
        Dictionary<(int, UInt128), List<Label>> here = _at[made.End];
        if (!here.TryGetValue((made.Node, made.Full), out List<Label>? others))
        {
            here.Add((made.Node, made.Full), [made]);
            return;
        }

        _meter.Spend(others.Count);
        foreach (Label other in others)
        {
            if (Dominates(other, made))
            {
                _counts[made.End]--;
                return;
            }
        }

        _counts[made.End] -= others.RemoveAll(other => Dominates(made, other));
        others.Add(made);
    }

    // True when whatever completes b completes a too, and costs no more with a. Same boundary, node and full nodes.
    private bool Dominates(Label a, Label b)
    {
        if (a.Cost > b.Cost || (a.Open & ~b.Open) != 0)
        {
            return false;
        }

        long slack = b.Cost - a.Cost;
        for (UInt128 open = a.Open | b.Open; open != 0; open &= open - 1)
        {
            int n = (int)UInt128.TrailingZeroCount(open);
            (long memoryA, long loadA) = Used(a, n);
            (long memoryB, long loadB) = Used(b, n);
            if (memoryA > memoryB || loadA > loadB)
            {
                return false;
            }

            // Convex, so more load on top costs a no more than b; but floors can differ by one.
            slack -= loadA == loadB ? 0 : 1;
        }

        for (int q = 0; q < a.Times.Length && slack >= 0; q++)
        {
            slack -= a.Times[q] > b.Times[q] ? _model.Prices.MissOf(q, a.Times[q] - b.Times[q]) : 0;
        }

        return slack >= 0;
    }

    // What the label's one open segment on the node takes.
    private (long Memory, long Load) Used(Label label, int node)
    {
        if ((label.Open >> node & 1) == 0)
        {
            return (0, 0);
        }

        Label at = label;
        while (at.Node != node)
        {
            at = at.Parent!;
        }

        return (_segments.Memory(at.Start, at.End), _segments.Load(node, at.Start, at.End));
    }

    private long Bound(long priced, long rest) =>
        rest >= Relaxation.Infinite ? long.MaxValue : DualAscent.CeilDiv(priced + rest + _relaxation.Constant);
}
