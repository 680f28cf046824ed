using NativeSplit.Engine.Caching;
using NativeSplit.Model;

namespace NativeSplit.Engine.Execution;

/// <summary>Runs a contiguous layer range over batches of rows and keeps the range's KV cache. The seam behind which a CPU, a GPU or ONNX Runtime works.</summary>
/// <remarks>
/// Not thread-safe: one caller at a time, who owns the thread for the length of a call. The result for a row depends only on its
/// sequence's rows before it, bit for bit: neither the batch around it nor the cut into ranges changes it.
/// </remarks>
public interface ILayerExecutor : IDisposable
{
    /// <summary>Shape of the whole model.</summary>
    ModelShape Shape { get; }

    /// <summary>Layers that run here.</summary>
    LayerRange Range { get; }

    /// <summary>What runs it, for people: <c>cpu/avx2</c>.</summary>
    string Backend { get; }

    /// <summary>KV room and use.</summary>
    KvCacheUse KvCacheUse { get; }

    /// <summary>Its KV pages, to move sequences to another executor; null when the backend can't give them out, and sequences must be run again from their tokens.</summary>
    IKvPages? KvPages { get; }

    /// <summary>Makes room in the KV cache for a sequence's first <paramref name="tokens"/> positions; grows an earlier reservation.</summary>
    /// <returns>False when there isn't that much room; then nothing changes.</returns>
    bool TryReserve(SequenceId sequence, int tokens);

    /// <summary>Gives a sequence's KV room back. Unknown sequences are ignored, so that a cancel may come twice.</summary>
    void Free(SequenceId sequence);

    /// <summary>Runs the layers of the range over a batch, in place.</summary>
    /// <param name="batch">Sequences in the batch, each at most once; rows in the order of <paramref name="hidden"/>.</param>
    /// <param name="hidden">Residual stream, shape [rows, hidden]: in, the output of the layer before; out, that of the range's last layer.</param>
    /// <exception cref="EngineException">A sequence has no reservation for its rows, or its position isn't the next one. Nothing is changed.</exception>
    void Forward(ReadOnlySpan<SequenceRows> batch, Span<float> hidden);
}

/// <summary>KV room and use of an executor.</summary>
/// <param name="CapacityTokens">Positions it can hold over all sequences.</param>
/// <param name="ReservedTokens">Positions reserved.</param>
/// <param name="Sequences">Sequences with a reservation.</param>
public readonly record struct KvCacheUse(int CapacityTokens, int ReservedTokens, int Sequences);
