using NativeSplit.Placement.Costs;

namespace NativeSplit.Placement.Solving;

/// <summary>Large-neighbourhood search: takes a run of segments out of the incumbent and fills the gap anew from the nodes that are free then.</summary>
/// <remarks>
/// The filling is a label setting of limited width, led by the multipliers' prices: without them it would spend the nodes that the rest of the
/// plan needs. What can't beat the segments taken out, at true cost, is dropped. SLO misses are judged at the end, by the incumbent.
/// </remarks>
internal sealed class WindowSearch
{
    private static readonly (int Length, int Width)[] Windows = [(4, 24), (6, 40), (9, 60), (14, 100), (22, 120)];

    // Labels that wait at a boundary, per label that is kept: some of them are beaten by others.
    private const int RoomPerWidth = 8;

    private readonly SegmentTable _segments;
    private readonly CostModel _model;
    private readonly Relaxation _relaxation;
    private readonly Incumbent _incumbent;
    private readonly BudgetMeter _meter;
    private readonly int _layers;
    private readonly int _nodes;
    private readonly LabelPool[] _at;
    private readonly List<int>[] _kept;
    private readonly List<int>[] _ofNode;
    private readonly long[] _worst;
    private readonly long[] _memory;
    private readonly long[] _load;
    private readonly bool[] _isFree;
    private readonly UInt128[] _bit;
    private readonly long[] _guideEnter;
    private readonly long[] _guideLeave;
    private readonly long[] _costEnter;
    private readonly long[] _costLeave;
    private int _from;
    private int _start;
    private int _end;
    private int _width;
    private long _worth;

    public WindowSearch(SegmentTable segments, Relaxation relaxation, Incumbent incumbent, BudgetMeter meter)
    {
        (_segments, _model, _relaxation, _incumbent, _meter) = (segments, segments.Model, relaxation, incumbent, meter);
        _layers = _model.LayerCount;
        _nodes = _model.NodeCount;
        _at = [.. Enumerable.Range(0, _layers + 1).Select(_ => new LabelPool(0))];
        _kept = [.. Enumerable.Range(0, _layers + 1).Select(_ => new List<int>())];
        _ofNode = [.. Enumerable.Range(0, _nodes).Select(_ => new List<int>())];
        _worst = new long[_layers + 1];
        (_memory, _load, _isFree) = (new long[_nodes], new long[_nodes], new bool[_nodes]);
        _bit = [.. Enumerable.Range(0, _nodes).Select(n => UInt128.One << n)];
        int size = (_layers + 1) * _nodes;
        (_guideEnter, _guideLeave, _costEnter, _costLeave) = (new long[size], new long[size], new long[size], new long[size]);
    }

    /// <summary>Windows of growing length over the whole plan, each length until it brings nothing any more.</summary>
    /// <param name="steps">Most steps.</param>
    public void Run(long steps)
    {
        long until = _meter.Spent + steps;
        foreach ((int length, int width) in Windows)
        {
            bool isBetter = true;
            while (isBetter)
            {
                isBetter = false;
                for (int first = 0; first < _incumbent.Pieces.Length; first += Math.Max(1, length / 2))
                {
                    if (_meter.IsOver || _meter.Spent > until)
                    {
                        return;
                    }

                    isBetter |= Fill(first, Math.Min(_incumbent.Pieces.Length, first + length), width);
                }
            }

            if (length >= _incumbent.Pieces.Length)
            {
                return;
            }
        }
    }

    private bool Fill(int first, int last, int width)
    {
        Piece[] now = _incumbent.Pieces.ToArray();
        (_start, _end, _width) = (now[first].Start, now[last - 1].End, width);
        _from = first == 0 ? -1 : now[first - 1].Node;
        int to = last == now.Length ? -1 : now[last].Node;
        Free(now, first, last);
        _worth = WorthOf(now, first, last, to);
        Complete(to);
        for (int j = _start; j <= _end; j++)
        {
            _at[j].Clear();
            _kept[j].Clear();
            _worst[j] = Relaxation.Infinite;
        }

        Extend(-1, _start);
        for (int j = _start + 1; j < _end && !_meter.IsOver; j++)
        {
            Keep(j);
            foreach (int i in _kept[j])
            {
                Extend(i, j);
            }
        }

        int best = -1;
        for (int i = 0; i < _at[_end].Count; i++)
        {
            best = best < 0 || WholeCost(i) < WholeCost(best) ? i : best;
        }

        return best >= 0 && _incumbent.Offer([.. now.AsSpan(0, first), .. ChainOf(best), .. now.AsSpan(last)]);
    }

    private long WholeCost(int i) => _at[_end][i].Cost + _costLeave[(_end * _nodes) + _at[_end][i].Node];

    // A trusted node with one segment outside the window may take another inside.
    private void Free(Piece[] now, int first, int last)
    {
        for (int n = 0; n < _nodes; n++)
        {
            (_memory[n], _load[n], _isFree[n]) = (_model.Layers.MemoryLimit[n], _model.Layers.LoadLimit[n], true);
            int count = 0;
            for (int i = 0; i < now.Length; i++)
            {
                if (now[i].Node == n && (i < first || i >= last))
                {
                    count++;
                    _memory[n] -= _segments.Memory(now[i].Start, now[i].End);
                    _load[n] -= _segments.Load(n, now[i].Start, now[i].End);
                }
            }

            _isFree[n] = count < _model.MaxSegments(n) && (count == 0 || (n != _from && (last == now.Length || n != now[last].Node)));
        }
    }

    private long WorthOf(Piece[] now, int first, int last, int to)
    {
        long cost = 0;
        int from = _from;
        for (int i = first; i < last; i++)
        {
            cost += HopCost(from, now[i].Node) + SegmentCost(now[i].Node, now[i].Start, now[i].End);
            from = now[i].Node;
        }

        return cost + LeaveCost(from, to);
    }

    private long HopCost(int from, int to) => _model.Hops.Latency(from < 0 ? _model.Origin : from, to);

    private bool CanHop(int from, int to) => from != to && _model.Hops.IsUsable(from < 0 ? _model.Origin : from, to);

    private long LeaveCost(int from, int to) => to < 0 ? _model.Hops.ReturnLatency(from) : _model.Hops.Latency(from, to);

    private bool CanLeave(int from, int to) => to < 0 ? _model.Hops.IsReturnUsable(from) : CanHop(from, to);

    private long SegmentCost(int n, int start, int end) => _segments.LinearCost(n, start, end) + _segments.UtilizationAlone(n, start, end);

    private bool HasRoom(int n, int start, int end) => _segments.Memory(start, end) <= _memory[n] && _segments.Load(n, start, end) <= _load[n];

    // Cheapest rests of the window, by the multipliers' prices and at true cost; nodes may come again in them.
    private void Complete(int to)
    {
        for (int n = 0; n < _nodes; n++)
        {
            bool isLast = _isFree[n] && CanLeave(n, to);
            _costLeave[(_end * _nodes) + n] = isLast ? LeaveCost(n, to) : Relaxation.Infinite;
            _guideLeave[(_end * _nodes) + n] = isLast ? Relaxation.Scale * LeaveCost(n, to) : Relaxation.Infinite;
        }

        for (int j = _end - 1; j >= _start; j--)
        {
            for (int n = 0; n < _nodes; n++)
            {
                (long cost, long guide) = (Relaxation.Infinite, Relaxation.Infinite);
                int most = _isFree[n] ? Math.Min(_end, _segments.MaxEnd(n, j)) : j;
                for (int end = j + 1; end <= most && HasRoom(n, j, end); end++)
                {
                    cost = Math.Min(cost, Relaxation.Sum(SegmentCost(n, j, end), _costLeave[(end * _nodes) + n]));
                    guide = Math.Min(guide, Relaxation.Sum(_relaxation.Segment(_segments.Index(n, j, end)), _guideLeave[(end * _nodes) + n]));
                }

                (_costEnter[(j * _nodes) + n], _guideEnter[(j * _nodes) + n]) = (cost, guide);
            }

            for (int from = 0; from < _nodes && j > _start; from++)
            {
                (long cost, long guide) = (Relaxation.Infinite, Relaxation.Infinite);
                for (int n = 0; n < _nodes && _isFree[from]; n++)
                {
                    if (_costEnter[(j * _nodes) + n] < Relaxation.Infinite && CanHop(from, n))
                    {
                        cost = Math.Min(cost, HopCost(from, n) + _costEnter[(j * _nodes) + n]);
                        guide = Math.Min(guide, Relaxation.Sum(_relaxation.Hop(from, n), _guideEnter[(j * _nodes) + n]));
                    }
                }

                (_costLeave[(j * _nodes) + from], _guideLeave[(j * _nodes) + from]) = (cost, guide);
            }

            _meter.Spend(_nodes * _nodes / 8);
        }
    }

    private void Extend(int place, int start)
    {
        Label label = place < 0 ? new Label { Node = _from } : _at[start][place];
        for (int n = 0; n < _nodes; n++)
        {
            long rest = _costEnter[(start * _nodes) + n];
            if ((label.Full & _bit[n]) != 0 || rest >= Relaxation.Infinite || !CanHop(label.Node, n))
            {
                continue;
            }

            long cost = label.Cost + HopCost(label.Node, n);
            if (cost + rest >= _worth)
            {
                continue;
            }

            long guide = label.Priced + (label.Node < 0 ? _relaxation.Start(n) : _relaxation.Hop(label.Node, n));
            int most = Math.Min(_end, _segments.MaxEnd(n, start));
            _meter.Spend(most - start);
            for (int end = start + 1; end <= most && HasRoom(n, start, end); end++)
            {
                long costTo = cost + SegmentCost(n, start, end), leave = _costLeave[(end * _nodes) + n];
                if (leave >= Relaxation.Infinite || costTo + leave >= _worth || !_model.MayCut(start, end))
                {
                    continue;
                }

                long guideTo = guide + _relaxation.Segment(_segments.Index(n, start, end));
                long bound = Relaxation.Sum(guideTo, _guideLeave[(end * _nodes) + n]);
                if (bound >= _worst[end])
                {
                    continue;
                }

                if (_at[end].Count == RoomPerWidth * _width && end < _end)
                {
                    _worst[end] = _at[end].Shrink(RoomPerWidth * _width / 2);
                }

                _at[end].Add(new Label
                {
                    Node = n,
                    Start = start,
                    Parent = place,
                    Cost = costTo,
                    Priced = guideTo,
                    Bound = bound,
                    Full = label.Full | _bit[n],
                });
            }
        }
    }

    private void Keep(int boundary)
    {
        foreach (List<int> of in _ofNode)
        {
            of.Clear();
        }

        LabelPool labels = _at[boundary];
        foreach (int i in labels.ByBound())
        {
            if (_kept[boundary].Count == _width)
            {
                return;
            }

            ref Label label = ref labels[i];
            bool isBeaten = false;
            foreach (int other in _ofNode[label.Node])
            {
                isBeaten |= labels[other].Cost <= label.Cost && (labels[other].Full & ~label.Full) == 0;
            }

            if (!isBeaten)
            {
                _ofNode[label.Node].Add(i);
                _kept[boundary].Add(i);
            }
        }
    }

    private List<Piece> ChainOf(int place)
    {
        List<Piece> pieces = [];
        for (int end = _end; place >= 0;)
        {
            Label label = _at[end][place];
            pieces.Add(new Piece(label.Node, label.Start, end));
            (end, place) = (label.Start, label.Parent);
        }

        pieces.Reverse();
        return pieces;
    }
}
