using System.Diagnostics.CodeAnalysis;
using NativeSplit.Engine.Execution;

namespace NativeSplit.Engine.Caching;

/// <summary>Who holds which page of the KV cache. Pure book-keeping: the memory lies elsewhere. Not thread-safe.</summary>
/// <remarks>A page number means the same place in every layer, so a sequence has one list of pages for all layers.</remarks>
internal sealed class KvPageTable
{
    private readonly Dictionary<SequenceId, KvSequence> _sequences = [];

    // Stack of free pages; the top is at _freeCount − 1. The lowest numbers are taken first, so that little memory is touched.
    private readonly int[] _free;
    private readonly int _maxSequenceTokens;
    private int _freeCount;

    /// <summary>Makes a table of free pages.</summary>
    /// <param name="pages">Pages in the cache.</param>
    /// <param name="maxSequenceTokens">Positions of one sequence at most.</param>
    public KvPageTable(int pages, int maxSequenceTokens)
    {
        _free = new int[pages];
        _freeCount = pages;
        _maxSequenceTokens = maxSequenceTokens;
        for (int i = 0; i < pages; i++)
        {
            _free[i] = pages - 1 - i;
        }
    }

    /// <summary>Room and use; reserved positions are counted in whole pages.</summary>
    public KvCacheUse Use => new(
        _free.Length * PagedKvCache.PagePositions,
        (_free.Length - _freeCount) * PagedKvCache.PagePositions,
        _sequences.Count);

    /// <summary>As <see cref="ILayerExecutor.TryReserve"/>.</summary>
    public bool TryReserve(SequenceId sequence, int tokens)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(tokens);
        if (tokens > _maxSequenceTokens)
        {
            return false;
        }

        bool known = _sequences.TryGetValue(sequence, out var entry);
        int wanted = ((tokens - 1) / PagedKvCache.PagePositions) + 1;
        int missing = Math.Max(0, wanted - (entry?.PageCount ?? 0));
        if (missing > _freeCount)
        {
            return false;
        }

        if (!known)
        {
            entry = new KvSequence();
            _sequences.Add(sequence, entry);
        }

        var top = _free.AsSpan(_freeCount - missing, missing);
        top.Reverse();
        entry!.Append(top);
        _freeCount -= missing;
        entry.ReservedTokens = Math.Max(entry.ReservedTokens, tokens);
        return true;
    }

    /// <summary>As <see cref="ILayerExecutor.Free"/>.</summary>
    public void Free(SequenceId sequence)
    {
        if (_sequences.Remove(sequence, out var entry))
        {
            // Back in reverse, so that the next sequence gets them in the same order.
            for (int i = entry.PageCount - 1; i >= 0; i--)
            {
                _free[_freeCount++] = entry.Pages[i];
            }
        }
    }

    /// <summary>Finds a sequence with a reservation.</summary>
    public bool TryFind(SequenceId sequence, [NotNullWhen(true)] out KvSequence? entry) => _sequences.TryGetValue(sequence, out entry);
}
