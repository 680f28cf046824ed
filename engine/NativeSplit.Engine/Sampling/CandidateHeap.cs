namespace NativeSplit.Engine.Sampling;

/// <summary>Takes the best tokens out of a vocabulary one by one: O(vocabulary) to build, O(log vocabulary) for each, never a full sort.</summary>
/// <remarks>
/// A binary max-heap of ids on a borrowed buffer, ordered by logit and then by the lower id. The ids taken pile up behind
/// the heap: after n takes the last n entries of the buffer hold them, the best one last.
/// </remarks>
internal ref struct CandidateHeap
{
    private readonly Span<int> _ids;
    private readonly ReadOnlySpan<float> _logits;
    private int _count;

    /// <summary>Orders the ids into a heap, in place.</summary>
    /// <param name="ids">Ids to choose from; overwritten.</param>
    /// <param name="logits">Shape [vocabulary].</param>
    public CandidateHeap(Span<int> ids, ReadOnlySpan<float> logits)
    {
        _ids = ids;
        _logits = logits;
        _count = ids.Length;
        for (int i = (_count / 2) - 1; i >= 0; i--)
        {
            SiftDown(i);
        }
    }

    /// <summary>Ids not yet taken.</summary>
    public readonly int Count => _count;

    /// <summary>Takes the best id left.</summary>
    public int Take()
    {
        int best = _ids[0];
        _count--;
        _ids[0] = _ids[_count];
        _ids[_count] = best;
        SiftDown(0);
        return best;
    }

    private readonly void SiftDown(int i)
    {
        int id = _ids[i];
        for (int child = (2 * i) + 1; child < _count; child = (2 * i) + 1)
        {
            if (child + 1 < _count && IsBetter(_ids[child + 1], _ids[child]))
            {
                child++;
            }

            if (!IsBetter(_ids[child], id))
            {
                break;
            }

            _ids[i] = _ids[child];
            i = child;
        }

        if (i < _count)
        {
            _ids[i] = id;
        }
    }

    private readonly bool IsBetter(int a, int b) => _logits[a] > _logits[b] || (_logits[a] == _logits[b] && a < b);
}
