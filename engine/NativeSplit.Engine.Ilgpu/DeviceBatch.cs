using NativeSplit.Engine.Caching;
using NativeSplit.Engine.Execution;

namespace NativeSplit.Engine.Ilgpu;

/// <summary>Writes the batch table that attention reads: positions [rows], where each row's list of pages starts [rows], the lists.</summary>
internal static class DeviceBatch
{
    /// <summary>Words of a table at most.</summary>
    /// <param name="rows">Rows of a piece at most.</param>
    /// <param name="pages">Pages of the cache; a page belongs to one sequence, so lists never hold more.</param>
    public static int MaxWords(int rows, int pages) => checked((2 * rows) + pages);

    /// <summary>Writes the table of rows [<paramref name="first"/>, first + <paramref name="count"/>) of a checked batch.</summary>
    /// <param name="batch">The whole batch.</param>
    /// <param name="first">First row.</param>
    /// <param name="count">Rows.</param>
    /// <param name="cache">Who holds which page.</param>
    /// <param name="table">Destination.</param>
    /// <returns>Words written.</returns>
    public static int Write(ReadOnlySpan<SequenceRows> batch, int first, int count, PagedKvCache cache, Span<int> table)
    {
        int start = 0;
        int list = 2 * count;
        foreach (SequenceRows rows in batch)
        {
            int from = Math.Max(start, first);
            int to = Math.Min(start + rows.Count, first + count);
            if (from < to)
            {
                for (int row = from; row < to; row++)
                {
                    table[row - first] = rows.Position + row - start;
                    table[count + row - first] = list;
                }

                // Only the pages that these rows read; a reservation may be longer.
                ReadOnlySpan<int> pages = cache.PagesOf(rows.Sequence)[..(((rows.Position + to - start - 1) / PagedKvCache.PagePositions) + 1)];
                pages.CopyTo(table[list..]);
                list += pages.Length;
            }

            start += rows.Count;
        }

        return list;
    }
}
