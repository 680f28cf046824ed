namespace NativeSplit.Engine.Caching;

/// <summary>A sequence's part of the KV cache: its pages in order, and how far they are filled.</summary>
internal sealed class KvSequence
{
    private int[] _pages = [];

    /// <summary>Positions asked for.</summary>
    public int ReservedTokens { get; set; }

    /// <summary>Positions cached, from 0.</summary>
    public int Length { get; set; }

    /// <summary>Pages held.</summary>
    public int PageCount { get; private set; }

    /// <summary>Number of the last batch it was in; tells a duplicate inside one batch.</summary>
    public long LastBatch { get; set; }

    /// <summary>The pages, in order of position.</summary>
    public ReadOnlySpan<int> Pages => _pages.AsSpan(0, PageCount);

    /// <summary>Page that holds a position.</summary>
    public int PageOf(int position) => _pages[position / PagedKvCache.PagePositions];

    /// <summary>Appends pages.</summary>
    public void Append(ReadOnlySpan<int> pages)
    {
        if (_pages.Length < PageCount + pages.Length)
        {
            Array.Resize(ref _pages, PageCount + pages.Length);
        }

        pages.CopyTo(_pages.AsSpan(PageCount));
        PageCount += pages.Length;
    }
}
