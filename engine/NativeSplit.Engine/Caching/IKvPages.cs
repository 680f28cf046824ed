using NativeSplit.Kernels;

namespace NativeSplit.Engine.Caching;

/// <summary>The pages of an executor's KV cache, to move sequences to another executor. For the executor's one caller.</summary>
/// <remarks>
/// A page of a layer is a run of bytes, laid out as <see cref="PagedKvCache"/> and <see cref="KeyValuePage"/> say, the same on every machine and
/// backend. So a sequence goes on elsewhere, bit for bit, once its pages were imported there and its length set.
/// </remarks>
public interface IKvPages
{
    /// <summary>How elements are kept; both executors must have the same.</summary>
    KeyValueType Type { get; }

    /// <summary>Bytes of a page of one layer.</summary>
    int PageBytes { get; }

    /// <summary>Positions cached of a sequence; null when it has no reservation.</summary>
    int? LengthOf(SequenceId sequence);

    /// <summary>Copies a page of one layer. What lies in it beyond the sequence's length is zero in the copy: it may be left over from another one.</summary>
    /// <param name="sequence">The sequence.</param>
    /// <param name="layer">Layer of the model; in the executor's range.</param>
    /// <param name="page">Page of the sequence, from 0; holds at least one cached position.</param>
    /// <param name="destination">Exactly <see cref="PageBytes"/> bytes.</param>
    /// <exception cref="ArgumentException">No such layer or page, or a destination of another length.</exception>
    void Export(SequenceId sequence, int layer, int page, Span<byte> destination);

    /// <summary>Writes a part of a page of one layer. The sequence's length stays.</summary>
    /// <param name="sequence">The sequence; its reservation holds the page.</param>
    /// <param name="layer">Layer of the model; in the executor's range.</param>
    /// <param name="page">Page of the sequence, from 0.</param>
    /// <param name="offset">Where in the page the part starts.</param>
    /// <param name="part">The part; as exported elsewhere.</param>
    /// <exception cref="ArgumentException">No such layer or page, or a part that doesn't lie in a page.</exception>
    void Import(SequenceId sequence, int layer, int page, int offset, ReadOnlySpan<byte> part);

    /// <summary>Says how many positions are cached, in every layer: all pages that hold them were imported.</summary>
    /// <param name="sequence">The sequence.</param>
    /// <param name="length">Positions; no more than reserved.</param>
    /// <exception cref="ArgumentException">No reservation, or a shorter one.</exception>
    void SetLength(SequenceId sequence, int length);
}
