using NativeSplit.Engine.Caching;

namespace NativeSplit.Engine.Execution.Cpu;

/// <summary>Rows that attend together: neighbours in the batch, of one sequence, whose spans are equally long.</summary>
/// <param name="Row">First row.</param>
/// <param name="Count">Rows.</param>
/// <param name="Position">Position of the first row.</param>
/// <param name="SpanPages">Pages of a span.</param>
internal readonly record struct AttentionTile(int Row, int Count, int Position, int SpanPages)
{
    /// <summary>Pages that hold the positions up to the last row's.</summary>
    public int Pages => ((Position + Count - 1) / PagedKvCache.PagePositions) + 1;

    /// <summary>Spans of those pages.</summary>
    public int Spans => ((Pages - 1) / SpanPages) + 1;
}

/// <summary>Cuts a batch into tiles, and positions into spans. Reused.</summary>
/// <remarks>
/// A span is a run of pages over which one softmax runs; the results of spans are merged in ascending order. Its length follows
/// from a row's own position alone, so tiles, threads and batches change no bit: 16 pages, doubled until no row has more than
/// <see cref="MaxSpans"/> of them.
/// </remarks>
internal sealed class AttentionPlan
{
    /// <summary>Spans of a row at most.</summary>
    public const int MaxSpans = 16;

    /// <summary>Pages of the shortest span.</summary>
    public const int MinSpanPages = 16;

    private readonly AttentionTile[] _tiles;
    private readonly int _tileRows;

    /// <summary>Makes a plan for batches of so many rows.</summary>
    /// <param name="maxRows">Rows of a batch at most.</param>
    /// <param name="tileRows">Rows of a tile at most.</param>
    public AttentionPlan(int maxRows, int tileRows)
    {
        _tiles = new AttentionTile[maxRows];
        _tileRows = tileRows;
    }

    /// <summary>Tiles of the batch.</summary>
    public int Count { get; private set; }

    /// <summary>The tiles, in order of rows.</summary>
    public ReadOnlySpan<AttentionTile> Tiles => _tiles.AsSpan(0, Count);

    /// <summary>Pages of a span for a row at a position.</summary>
    public static int SpanPages(int position)
    {
        int pages = (position / PagedKvCache.PagePositions) + 1;
        int length = MinSpanPages;
        while (pages > length * MaxSpans)
        {
            length *= 2;
        }

        return length;
    }

    /// <summary>Spans of the longest row that may come.</summary>
    /// <param name="positions">Positions of a sequence at most.</param>
    public static int SpansFor(int positions) => Math.Min(MaxSpans, ((positions - 1) / (MinSpanPages * PagedKvCache.PagePositions)) + 1);

    /// <summary>Cuts the rows of a batch.</summary>
    public void Cut(BatchTable batch, int rows)
    {
        Count = 0;
        for (int row = 0; row < rows;)
        {
            int position = batch.Position(row);
            int spanPages = SpanPages(position);
            int end = row + 1;
            while (end < rows && end - row < _tileRows && ReferenceEquals(batch.Sequence(end), batch.Sequence(row)) && SpanPages(batch.Position(end)) == spanPages)
            {
                end++;
            }

            _tiles[Count++] = new AttentionTile(row, end - row, position, spanPages);
            row = end;
        }
    }
}
