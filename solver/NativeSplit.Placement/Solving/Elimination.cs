namespace NativeSplit.Placement.Solving;

/// <summary>Finds the segments that a plan below a goal could have: those whose cheapest chain, at the multipliers' prices, isn't dearer.</summary>
/// <remarks>Cheapest beginnings are computed forward, as the relaxation computes cheapest rests backward; a segment's cheapest chain is the sum.</remarks>
internal sealed class Elimination
{
    private readonly SegmentTable _segments;
    private readonly Relaxation _relaxation;
    private readonly NodeMemory _memory;
    private readonly int _layers;
    private readonly int _nodes;
    private readonly long[][] _entered;
    private readonly long[][] _left;

    /// <param name="segments">Segments.</param>
    /// <param name="relaxation">Relaxation that has run.</param>
    public Elimination(SegmentTable segments, Relaxation relaxation)
    {
        _segments = segments;
        _relaxation = relaxation;
        _memory = relaxation.Memory;
        _layers = segments.Model.LayerCount;
        _nodes = segments.Model.NodeCount;
        _entered = new long[_nodes][];
        _left = new long[_nodes][];
        for (int n = 0; n < _nodes; n++)
        {
            _entered[n] = new long[1 << _memory.Bits(n)];
            _left[n] = new long[(_layers + 1) << _memory.Bits(n)];
            Array.Fill(_left[n], Relaxation.Infinite);
        }
    }

    /// <summary>Calls back for every segment of a chain that costs the goal or less.</summary>
    /// <param name="goal">Φ wanted, in 1e-5.</param>
    /// <param name="found">Takes node, start and end.</param>
    public void Collect(long goal, Action<int, int, int> found)
    {
        HashSet<(int, int, int)> seen = [];
        for (int boundary = 0; boundary < _layers; boundary++)
        {
            for (int n = 0; n < _nodes; n++)
            {
                FillEntered(n, boundary);
                for (int mask = 0; mask < _entered[n].Length; mask++)
                {
                    if (_entered[n][mask] < Relaxation.Infinite)
                    {
                        Leave(mask, n, boundary, goal, seen);
                    }
                }
            }
        }

        foreach ((int node, int start, int end) in seen.Order())
        {
            found(node, start, end);
        }
    }

    private void FillEntered(int n, int boundary)
    {
        Array.Fill(_entered[n], Relaxation.Infinite);
        if (boundary == 0)
        {
            _entered[n][0] = _relaxation.Start(n);
            return;
        }

        for (int from = 0; from < _nodes; from++)
        {
            ReadOnlySpan<int> moves = _memory.Moves(from, n);
            for (int mask = 0; mask < moves.Length; mask++)
            {
                long before = _left[from][(boundary << _memory.Bits(from)) + mask];
                if (moves[mask] >= 0 && before < Relaxation.Infinite)
                {
                    ref long best = ref _entered[n][moves[mask]];
                    best = Math.Min(best, Relaxation.Sum(before, _relaxation.Hop(from, n)));
                }
            }
        }
    }

    private void Leave(int mask, int n, int start, long goal, HashSet<(int, int, int)> seen)
    {
        long before = _entered[n][mask];
        for (int end = start + 1; end <= _segments.MaxEnd(n, start); end++)
        {
            int after = _memory.After(mask, n, start, end);
            if (after < 0)
            {
                continue;
            }

            long upTo = Relaxation.Sum(before, _relaxation.Segment(_segments.Index(n, start, end)));
            ref long best = ref _left[n][(end << _memory.Bits(n)) + after];
            best = Math.Min(best, upTo);
            long whole = Relaxation.Sum(upTo, _relaxation.Leave(after, n, end));
            if (whole < Relaxation.Infinite && DualAscent.CeilDiv(whole + _relaxation.Constant) <= goal)
            {
                seen.Add((n, start, end));
            }
        }
    }
}
