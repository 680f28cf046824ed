using NativeSplit.Kernels;
using NativeSplit.Model;

namespace NativeSplit.Engine.Caching;

/// <summary>Pages of a cache in this process's memory.</summary>
/// <param name="cache">The cache; lent.</param>
/// <param name="range">Layers of the model that it holds.</param>
/// <param name="headSize">Elements of a head.</param>
internal sealed class CachePages(PagedKvCache cache, LayerRange range, int headSize) : IKvPages
{
    public KeyValueType Type => cache.Type;

    public int PageBytes => cache.PageBytes;

    public int? LengthOf(SequenceId sequence) => cache.LengthOf(sequence);

    public void Export(SequenceId sequence, int layer, int page, Span<byte> destination)
    {
        int start = page * PagedKvCache.PagePositions;
        int length = cache.LengthOf(sequence) ?? 0;
        if (page < 0 || start >= length)
        {
            throw new ArgumentException($"Sequence {sequence} has {length} positions cached; page {page} holds none of them.", nameof(page));
        }

        Locate(sequence, layer, page).CopyTo(destination);
        int used = Math.Min(length - start, PagedKvCache.PagePositions);
        int headBytes = KeyValuePage.HeadBytes(Type, headSize);
        int heads = destination.Length / headBytes / 2;
        for (int head = 0; head < heads && used < PagedKvCache.PagePositions; head++)
        {
            KeyValuePage.ClearKeys(Type, headSize, used, destination.Slice(head * headBytes, headBytes));
            KeyValuePage.ClearValues(Type, headSize, used, destination.Slice((heads + head) * headBytes, headBytes));
        }
    }

    public void Import(SequenceId sequence, int layer, int page, int offset, ReadOnlySpan<byte> part)
    {
        Span<byte> whole = Locate(sequence, layer, page);
        if (offset < 0 || offset > whole.Length - part.Length)
        {
            throw new ArgumentException($"{part.Length} bytes at {offset} don't lie in a page of {whole.Length}.", nameof(offset));
        }

        part.CopyTo(whole[offset..]);
    }

    public void SetLength(SequenceId sequence, int length) => cache.SetLength(sequence, length);

    private Span<byte> Locate(SequenceId sequence, int layer, int page)
    {
        ReadOnlySpan<int> pages = cache.PagesOf(sequence);
        return range.Contains(layer) && (uint)page < (uint)pages.Length
            ? cache.BorrowPage(layer - range.Start, pages[page])
            : throw new ArgumentException($"Layers {range} hold {pages.Length} pages of sequence {sequence}; there is no page {page} of layer {layer}.", nameof(page));
    }
}
