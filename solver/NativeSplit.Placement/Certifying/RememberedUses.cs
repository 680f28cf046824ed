using NativeSplit.Placement.Problems;

namespace NativeSplit.Placement.Certifying;

/// <summary>What chains know by <see cref="DualEvidence.Remembered"/>, for <see cref="DualBoundChecker"/>: states as numbers, decoded into a level per known node.</summary>
/// <remarks>Levels of an untrusted node: 0 unused, 1 used. Of a trusted one: 1 to p used for at least (level − 1)/p of its memory, p + 1 takes no segment more.</remarks>
internal sealed class RememberedUses
{
    private const int MostStates = 1024;

    private readonly PlacementProblem _problem;
    private readonly PricedFacts _facts;
    private readonly IReadOnlyList<int>[] _known;
    private readonly int _levels;
    private readonly Dictionary<(int From, int To), int?[]> _hops = [];
    private readonly Int128[] _smallestFrom;

    public RememberedUses(PlacementProblem problem, DualEvidence evidence, PricedFacts facts)
    {
        (_problem, _facts) = (problem, facts);
        _known = [.. evidence.Remembered];
        _levels = 1 << evidence.LevelBits;
        _smallestFrom = new Int128[problem.Layers.Count + 1];
        _smallestFrom[^1] = Int128.MaxValue;
        for (int u = problem.Layers.Count - 1; u >= 0; u--)
        {
            _smallestFrom[u] = Int128.Min(_smallestFrom[u + 1], facts.LayerMemory(u));
        }
    }

    /// <summary>What is wrong with the evidence's form, or null.</summary>
    public static string? FaultOf(PlacementProblem problem, DualEvidence evidence)
    {
        bool isSound = evidence.Remembered.Count == problem.Nodes.Count && evidence.LevelBits is >= 2 and <= 7;
        for (int at = 0; isSound && at < problem.Nodes.Count; at++)
        {
            IReadOnlyList<int> known = evidence.Remembered[at];
            isSound = known.Count <= 10 && known.Distinct().Count() == known.Count && known.All(n => n >= 0 && n < problem.Nodes.Count)
                && (problem.Nodes[at].IsTrusted || !known.Contains(at)) && CountOf(problem, known, 1 << evidence.LevelBits) <= MostStates;
        }

        return isSound ? null : "A remembered node is none of the problem's, or is named twice, or an untrusted one knows itself, or too much is remembered in one place.";
    }

    /// <summary>States at a node. State 0 knows nothing to be used.</summary>
    public int StateCount(int node) => (int)CountOf(_problem, _known[node], _levels);

    /// <summary>State before a segment on the second node; null when what is known forbids one.</summary>
    public int? AfterHop(int from, int state, int to)
    {
        if (!_hops.TryGetValue((from, to), out int?[]? table))
        {
            table = [.. Enumerable.Range(0, StateCount(from)).Select(s => Hop(from, s, to))];
            _hops.Add((from, to), table);
        }

        return table[state];
    }

    /// <summary>State after a segment; null when what is known forbids it.</summary>
    public int? AfterSegment(int node, int state, Int128 memory, int end)
    {
        if (!_known[node].Contains(node))
        {
            return state;
        }

        int[] levels = Decode(node, state);
        int own = _known[node].ToList().IndexOf(node);
        Int128 room = _facts.MemoryRoom(node), parts = _levels - 2;
        if (levels[own] == _levels - 1)
        {
            return null;
        }

        if (levels[own] > 0)
        {
            // What the first segment took, at least, in parts and in layers.
            bool fits = (room - memory) * parts >= room * (levels[own] - 1) && memory + _smallestFrom[0] <= room;
            levels[own] = _levels - 1;
            return fits ? Encode(node, levels) : null;
        }

        levels[own] = room - memory < _smallestFrom[end] ? _levels - 1 : (int)Int128.Min(parts, 1 + (memory * parts / room));
        return Encode(node, levels);
    }

    private static long CountOf(PlacementProblem problem, IReadOnlyList<int> known, long levels) => known.Aggregate(1L, (count, n) => Math.Min(int.MaxValue, count * (problem.Nodes[n].IsTrusted ? levels : 2)));

    private int? Hop(int from, int state, int to)
    {
        Dictionary<int, int> levels = [];
        int[] decoded = Decode(from, state);
        for (int i = 0; i < decoded.Length; i++)
        {
            levels[_known[from][i]] = decoded[i];
        }

        if (!_problem.Nodes[from].IsTrusted)
        {
            levels[from] = 1;
        }

        return levels.GetValueOrDefault(to) == (_problem.Nodes[to].IsTrusted ? _levels - 1 : 1)
            ? null
            : Encode(to, [.. _known[to].Select(n => levels.GetValueOrDefault(n))]);
    }

    private int[] Decode(int node, int state)
    {
        int[] levels = new int[_known[node].Count];
        for (int i = 0; i < levels.Length; i++)
        {
            (state, levels[i]) = int.DivRem(state, _problem.Nodes[_known[node][i]].IsTrusted ? _levels : 2);
        }

        return levels;
    }

    private int Encode(int node, int[] levels)
    {
        int state = 0;
        for (int i = levels.Length - 1; i >= 0; i--)
        {
            state = (state * (_problem.Nodes[_known[node][i]].IsTrusted ? _levels : 2)) + levels[i];
        }

        return state;
    }
}
