using NativeSplit.Placement.Costs;

namespace NativeSplit.Placement.Solving;

/// <summary>What the relaxation's chains remember: for each node, the nodes whose use is still known to a chain that is there.</summary>
/// <remarks>
/// The ng-routes of Baldacci, Mingozzi and Roberti 2011: a chain that goes to a node forgets all but that node's neighbours, so that it can
/// come back to a node only by a way around. Which nodes to remember is learned from chains that come back, as Roberti and Mingozzi 2014 do.
/// A node is known at a level. Untrusted: 0 unused, 1 used. Trusted, which take a second segment: 0 unused, 1 to p used for at least
/// (level − 1)/p of its memory, p + 1 takes no more. The levels that a chain knows at a node lie side by side in a mask, the node's own on top.
/// </remarks>
internal sealed class NodeMemory
{
    /// <summary>Most bits of a mask.</summary>
    public const int MaxBits = 10;

    private readonly int _levelBits;
    private readonly SegmentTable _segments;
    private readonly CostModel _model;
    private readonly int _nodes;
    private readonly List<int>[] _others;
    private readonly bool[] _knowsItself;
    private readonly int[] _otherBits;
    private readonly int[][] _moves;
    private readonly byte[] _levelAfter;
    private readonly byte[] _highestLevel;
    private readonly long[] _leastMemoryFrom;

    /// <param name="segments">Segments.</param>
    /// <param name="levelBits">Bits of a trusted node's level, from 2 to 7.</param>
    public NodeMemory(SegmentTable segments, int levelBits)
    {
        _levelBits = levelBits;
        _segments = segments;
        _model = segments.Model;
        _nodes = _model.NodeCount;
        _others = new List<int>[_nodes];
        _knowsItself = new bool[_nodes];
        _otherBits = new int[_nodes];
        _moves = new int[_nodes * _nodes][];
        _levelAfter = new byte[segments.Count];
        _highestLevel = new byte[segments.Count];
        _leastMemoryFrom = new long[_model.LayerCount + 1];
        _leastMemoryFrom[^1] = long.MaxValue;
        for (int u = _model.LayerCount - 1; u >= 0; u--)
        {
            _leastMemoryFrom[u] = Math.Min(_leastMemoryFrom[u + 1], _model.Layers.Memory[u]);
        }

        for (int n = 0; n < _nodes; n++)
        {
            _others[n] = [];
            for (int start = 0; IsTrusted(n) && start < _model.LayerCount; start++)
            {
                for (int end = start + 1; end <= _segments.MaxEnd(n, start); end++)
                {
                    FillLevels(n, start, end);
                }
            }
        }

        Lay();
    }

    /// <summary>Bits of a trusted node's level.</summary>
    public int LevelBits => _levelBits;

    /// <summary>Level of a trusted node that takes no more; p is one less.</summary>
    public int NoMore => (1 << _levelBits) - 1;

    /// <summary>True when nothing is remembered anywhere.</summary>
    public bool IsEmpty { get; private set; } = true;

    /// <summary>Changes with every <see cref="Lay"/>.</summary>
    public int Version { get; private set; }

    /// <summary>Memory of the smallest of the layers from here on.</summary>
    public long LeastMemoryFrom(int layer) => _leastMemoryFrom[layer];

    /// <summary>Bits of a mask at the node.</summary>
    public int Bits(int node) => _otherBits[node] + (_knowsItself[node] ? _levelBits : 0);

    /// <summary>Bits below the node's own level.</summary>
    public int OtherBits(int node) => _otherBits[node];

    /// <summary>True when the node's own level is part of its mask.</summary>
    public bool KnowsItself(int node) => _knowsItself[node];

    /// <summary>Nodes known at a node, itself among them when its own level is.</summary>
    public IReadOnlyList<int> KnownAt(int node) => _knowsItself[node] ? [.. _others[node], node] : [.. _others[node]];

    /// <summary>Mask at the second node for each mask at the first, before a segment there; -1 where the second takes no segment any more.</summary>
    public ReadOnlySpan<int> Moves(int from, int to) => _moves[(from * _nodes) + to];

    /// <summary>Mask after a segment; -1 when what is known forbids it.</summary>
    public int After(int mask, int node, int start, int end)
    {
        if (!_knowsItself[node])
        {
            return mask;
        }

        int level = mask >> _otherBits[node], segment = _segments.Index(node, start, end);
        return Fits(level, segment) ? (mask & ((1 << _otherBits[node]) - 1)) | (LevelAfter(level, segment) << _otherBits[node]) : -1;
    }

    /// <summary>True when a trusted node at the level can take the segment, as far as the level says.</summary>
    public bool Fits(int level, int segment) => level <= _highestLevel[segment];

    /// <summary>Level of a trusted node after the segment.</summary>
    public int LevelAfter(int level, int segment) => level > 0 ? NoMore : _levelAfter[segment];

    /// <summary>Mask that knows no more than either of two.</summary>
    public int Meet(int node, int a, int b)
    {
        int mask = 0, shift = 0;
        foreach (int known in _others[node])
        {
            int field = ((1 << Width(known)) - 1) << shift;
            mask |= Math.Min(a & field, b & field);
            shift += Width(known);
        }

        return mask | (Math.Min(a >> shift, b >> shift) << shift);
    }

    /// <summary>Makes chains remember a node at others, itself first. False when it was known there already, or a mask would grow too wide; nothing changes then.</summary>
    /// <remarks><see cref="Lay"/> must follow before the next run.</remarks>
    public bool TryRemember(int node, ReadOnlySpan<int> at, int mostBits)
    {
        bool isTrusted = IsTrusted(node), isNew = isTrusted && !_knowsItself[node];
        if (isNew && Bits(node) + _levelBits > mostBits)
        {
            return false;
        }

        foreach (int place in at)
        {
            if (!_others[place].Contains(node))
            {
                isNew = true;
                if (Bits(place) + Width(node) > mostBits)
                {
                    return false;
                }
            }
        }

        _knowsItself[node] |= isTrusted;
        foreach (int place in at)
        {
            if (place != node && !_others[place].Contains(node))
            {
                _others[place].Add(node);
                _otherBits[place] += Width(node);
            }
        }

        return isNew;
    }

    /// <summary>Lays out the masks anew.</summary>
    public void Lay()
    {
        IsEmpty = true;
        Version++;
        for (int from = 0; from < _nodes; from++)
        {
            IsEmpty &= Bits(from) == 0;
            for (int to = 0; to < _nodes; to++)
            {
                _moves[(from * _nodes) + to] = from == to ? [] : MovesOf(from, to);
            }
        }
    }

    private void FillLevels(int node, int start, int end)
    {
        int segment = _segments.Index(node, start, end);
        long memory = _segments.Memory(start, end), limit = _model.Layers.MemoryLimit[node], parts = NoMore - 1;
        _levelAfter[segment] = (byte)(limit - memory < _leastMemoryFrom[end] ? NoMore : Math.Min(parts, (memory * parts / Math.Max(1, limit)) + 1));

        // What the first segment took, at least: so many parts, and a layer.
        int level = 0;
        while (level < parts && memory <= limit - Math.Max(_leastMemoryFrom[0], ((limit * level) + parts - 1) / parts))
        {
            level++;
        }

        _highestLevel[segment] = (byte)level;
    }

    private bool IsTrusted(int node) => _model.MaxSegments(node) > 1;

    private int Width(int node) => IsTrusted(node) ? _levelBits : 1;

    private int[] MovesOf(int from, int to)
    {
        int[] moves = new int[1 << Bits(from)];
        for (int mask = 0; mask < moves.Length; mask++)
        {
            int own = LevelOf(to, from, mask);
            if (own == (IsTrusted(to) ? NoMore : 1))
            {
                moves[mask] = -1;
                continue;
            }

            int shift = 0;
            foreach (int known in _others[to])
            {
                moves[mask] |= LevelOf(known, from, mask) << shift;
                shift += Width(known);
            }

            moves[mask] |= _knowsItself[to] ? own << shift : 0;
        }

        return moves;
    }

    // Level of a node as a mask at another tells it; 0 when it isn't known there.
    private int LevelOf(int node, int at, int mask)
    {
        if (node == at)
        {
            return _knowsItself[node] ? mask >> _otherBits[node] : IsTrusted(node) ? 0 : 1;
        }

        int shift = 0;
        foreach (int known in _others[at])
        {
            if (known == node)
            {
                return (mask >> shift) & ((1 << Width(known)) - 1);
            }

            shift += Width(known);
        }

        return 0;
    }
}
