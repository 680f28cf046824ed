using NativeSplit.Engine.Caching;

namespace NativeSplit.Engine.Execution.Cpu;

/// <summary>For every row of the part of a batch at work: its sequence and position. Reused.</summary>
internal sealed class BatchTable
{
    private readonly KvSequence[] _sequences;
    private readonly int[] _positions;

    /// <summary>Makes a table.</summary>
    public BatchTable(int maxRows)
    {
        _sequences = new KvSequence[maxRows];
        _positions = new int[maxRows];
    }

    /// <summary>Fills the table for rows [<paramref name="first"/>, first + <paramref name="count"/>) of a checked batch.</summary>
    public void Fill(ReadOnlySpan<SequenceRows> batch, int first, int count, PagedKvCache cache)
    {
        int start = 0;
        foreach (var rows in batch)
        {
            int from = Math.Max(start, first);
            int to = Math.Min(start + rows.Count, first + count);
            if (from < to)
            {
                var sequence = cache.Find(rows.Sequence);
                for (int row = from; row < to; row++)
                {
                    _sequences[row - first] = sequence;
                    _positions[row - first] = rows.Position + row - start;
                }
            }

            start += rows.Count;
        }
    }

    /// <summary>Sequence of a row.</summary>
    public KvSequence Sequence(int row) => _sequences[row];

    /// <summary>Position of a row in its sequence.</summary>
    public int Position(int row) => _positions[row];
}
