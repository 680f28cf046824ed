using NativeSplit.Kernels;
using NativeSplit.Kernels.Memory;

namespace NativeSplit.Engine.Execution.Cpu;

/// <summary>What one thread needs to attend with: queries side by side, outputs, scores, and widened pages. Owns its memory.</summary>
internal sealed class AttentionScratch : IDisposable
{
    private readonly NativeBuffer<float> _memory;
    private readonly int _tile;
    private readonly int _page;

    /// <summary>Allocates it.</summary>
    /// <param name="headSize">Elements of a head.</param>
    public AttentionScratch(int headSize)
    {
        _tile = KeyValuePage.MaxQueries * headSize;
        _page = KeyValuePage.Positions * headSize;
        _memory = new NativeBuffer<float>(checked((3 * _tile) + (2 * _page) + (KeyValuePage.MaxQueries * KeyValuePage.Positions)));
    }

    /// <summary>Queries of a tile. Shape [queries, headSize].</summary>
    public Span<float> Queries => _memory.Span[.._tile];

    /// <summary>Outputs over all spans so far. Shape [queries, headSize].</summary>
    public Span<float> Merged => _memory.Span.Slice(_tile, _tile);

    /// <summary>Outputs over one span. Shape [queries, headSize].</summary>
    public Span<float> Partial => _memory.Span.Slice(2 * _tile, _tile);

    /// <summary>Room for the keys of a page.</summary>
    public Span<float> Keys => _memory.Span.Slice(3 * _tile, _page);

    /// <summary>Room for the values of a page.</summary>
    public Span<float> Values => _memory.Span.Slice((3 * _tile) + _page, _page);

    /// <summary>Room for scores.</summary>
    public Span<float> Scores => _memory.Span[((3 * _tile) + (2 * _page))..];

    /// <inheritdoc/>
    public void Dispose() => _memory.Dispose();
}
