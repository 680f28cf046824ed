using NativeSplit.Placement.Costs;

namespace NativeSplit.Placement.Solving;

/// <summary>Learns from chains that use a node too often what the relaxation should remember.</summary>
internal sealed class RouteLearning(SegmentTable segments, NodeMemory memory)
{
    private readonly List<int> _between = [];

    /// <summary>Makes the memory forbid what chains did wrong, the latest first, as far as masks have room. False when nothing changed.</summary>
    public bool Learn(IReadOnlyList<IReadOnlyList<Piece>> chains, int mostBits)
    {
        bool isNew = false;
        for (int i = chains.Count - 1; i >= 0; i--)
        {
            isNew |= LearnFrom(chains[i], mostBits);
        }

        if (isNew)
        {
            memory.Lay();
        }

        return isNew;
    }

    private bool LearnFrom(IReadOnlyList<Piece> chain, int mostBits)
    {
        bool isNew = false;
        for (int b = 1; b < chain.Count; b++)
        {
            int a = b - 1;
            while (a >= 0 && chain[a].Node != chain[b].Node)
            {
                a--;
            }

            if (a < 0 || !IsTooMuch(chain, a, chain[b]))
            {
                continue;
            }

            _between.Clear();
            for (int i = a + 1; i < b; i++)
            {
                if (!_between.Contains(chain[i].Node))
                {
                    _between.Add(chain[i].Node);
                }
            }

            isNew |= memory.TryRemember(chain[b].Node, System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_between), mostBits);
        }

        return isNew;
    }

    // The segment at a is the node's last before b.
    private bool IsTooMuch(IReadOnlyList<Piece> chain, int a, Piece b)
    {
        int node = b.Node;
        if (segments.Model.MaxSegments(node) == 1)
        {
            return true;
        }

        long both = segments.Memory(chain[a].Start, chain[a].End) + segments.Memory(b.Start, b.End);
        bool isThird = false;
        for (int i = 0; i < a; i++)
        {
            isThird |= chain[i].Node == node;
        }

        return isThird || both > segments.Model.Layers.MemoryLimit[node];
    }
}
