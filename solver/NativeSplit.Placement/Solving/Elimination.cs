namespace NativeSplit.Placement.Solving;

/// <summary>Finds the segments that a plan below a goal could have: those whose cheapest chain, at the multipliers' prices, isn't dearer.</summary>
/// <remarks>Cheapest beginnings are computed forward, as the relaxation computes cheapest rests backward; a segment's cheapest chain is the sum.</remarks>
internal sealed class Elimination
{
    private readonly SegmentTable _segments;
    private readonly Relaxation _relaxation;
    private readonly int _layers;
    private readonly int _nodes;
    private readonly long[] _entered;
    private readonly long[] _left;

    /// <param name="segments">Segments.</param>
    /// <param name="relaxation">Relaxation that has run.</param>
    public Elimination(SegmentTable segments, Relaxation relaxation)
    {
        _segments = segments;
        _relaxation = relaxation;
        _layers = segments.Model.LayerCount;
        _nodes = segments.Model.NodeCount;
        _entered = new long[(1 << relaxation.TrackedCount) * _nodes];
        _left = new long[(1 << relaxation.TrackedCount) * _nodes * (_layers + 1)];
    }

    /// <summary>Calls back for every segment of a chain that costs the goal or less.</summary>
    /// <param name="goal">Φ wanted, in 1e-5.</param>
    /// <param name="found">Takes node, start and end.</param>
    public void Collect(long goal, Action<int, int, int> found)
    {
        HashSet<(int, int, int)> seen = [];
        Array.Fill(_left, Relaxation.Infinite);
        for (int boundary = 0; boundary < _layers; boundary++)
        {
            FillEntered(boundary);
            for (int i = 0; i < _entered.Length; i++)
            {
                if (_entered[i] < Relaxation.Infinite)
                {
                    Leave(i / _nodes, i % _nodes, boundary, goal, seen);
                }
            }
        }

        foreach ((int node, int start, int end) in seen.Order())
        {
            found(node, start, end);
        }
    }

    private void FillEntered(int boundary)
    {
        Array.Fill(_entered, Relaxation.Infinite);
        for (int n = 0; n < _nodes; n++)
        {
            if (boundary == 0)
            {
                _entered[(_relaxation.Bit[n] * _nodes) + n] = _relaxation.Start(n);
                continue;
            }

            for (int mask = 0; mask < 1 << _relaxation.TrackedCount; mask++)
            {
                for (int from = 0; from < _nodes; from++)
                {
                    long before = _left[Index(mask, from, boundary)];
                    if (before < Relaxation.Infinite && (mask & _relaxation.Bit[n]) == 0)
                    {
                        ref long best = ref _entered[((mask | _relaxation.Bit[n]) * _nodes) + n];
                        best = Math.Min(best, Relaxation.Sum(before, _relaxation.Hop(from, n)));
                    }
                }
            }
        }
    }

    private void Leave(int mask, int n, int start, long goal, HashSet<(int, int, int)> seen)
    {
        long before = _entered[(mask * _nodes) + n];
        for (int end = start + 1; end <= _segments.MaxEnd(n, start); end++)
        {
            long upTo = Relaxation.Sum(before, _relaxation.Segment(_segments.Index(n, start, end)));
            ref long best = ref _left[Index(mask, n, end)];
            best = Math.Min(best, upTo);
            long whole = Relaxation.Sum(upTo, _relaxation.Leave(mask, n, end));
            if (whole < Relaxation.Infinite && DualAscent.CeilDiv(whole + _relaxation.Constant) <= goal)
            {
                seen.Add((n, start, end));
            }
        }
    }

    private int Index(int mask, int node, int boundary) => (((mask * _nodes) + node) * (_layers + 1)) + boundary;
}
