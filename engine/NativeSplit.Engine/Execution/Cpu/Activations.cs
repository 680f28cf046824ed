using NativeSplit.Kernels.Memory;
using NativeSplit.Model;

namespace NativeSplit.Engine.Execution.Cpu;

/// <summary>The rows between the operations of a layer, allocated once for the largest batch. Owns its memory.</summary>
internal sealed class Activations : IDisposable
{
    private readonly int _scratchStride;

    /// <summary>Allocates the buffers.</summary>
    /// <param name="shape">Shape of the model.</param>
    /// <param name="maxRows">Rows of a batch at most.</param>
    /// <param name="threads">Threads that need scratch of their own.</param>
    /// <param name="quantized">Whether the inputs of matrices are quantised.</param>
    public Activations(ModelShape shape, int maxRows, int threads, bool quantized)
    {
        int widest = Math.Max(Math.Max(shape.HiddenSize, shape.QuerySize), Math.Max(shape.FeedForwardSize, shape.Experts?.FeedForwardSize ?? 0));

        // A cache line apart, so that threads don't write to one another's lines.
        _scratchStride = (widest + 15) & ~15;
        Residual = Allocate(maxRows, shape.HiddenSize);
        Normed = new InputRows(maxRows, shape.HiddenSize, quantized);
        Query = Allocate(maxRows, shape.QuerySize);
        Key = Allocate(maxRows, shape.KeyValueSize);
        Value = Allocate(maxRows, shape.KeyValueSize);
        Attended = new InputRows(maxRows, shape.QuerySize, quantized);

        // A layer of experts has rows of its own.
        int dense = shape.Experts is null ? maxRows : 0;
        Gate = new InputRows(dense, shape.FeedForwardSize, quantized);
        Up = Allocate(dense, shape.FeedForwardSize);
        Delta = Allocate(maxRows, shape.HiddenSize);
        ScratchPool = Allocate(threads, _scratchStride);
    }

    /// <summary>Residual stream. Shape [rows, hidden].</summary>
    public NativeBuffer<float> Residual { get; }

    /// <summary>Normed residual stream. Shape [rows, hidden].</summary>
    public InputRows Normed { get; }

    /// <summary>Queries. Shape [rows, heads, headSize].</summary>
    public NativeBuffer<float> Query { get; }

    /// <summary>Keys of the batch's own positions. Shape [rows, kvHeads, headSize].</summary>
    public NativeBuffer<float> Key { get; }

    /// <summary>Values of the batch's own positions. Shape [rows, kvHeads, headSize].</summary>
    public NativeBuffer<float> Value { get; }

    /// <summary>Output of attention. Shape [rows, heads, headSize].</summary>
    public InputRows Attended { get; }

    /// <summary>Gate of the feed-forward block, then SiLU(gate)·up. Shape [rows, feedForward].</summary>
    public InputRows Gate { get; }

    /// <summary>Up-projection of the feed-forward block. Shape [rows, feedForward].</summary>
    public NativeBuffer<float> Up { get; }

    /// <summary>What a block adds to the residual stream. Shape [rows, hidden].</summary>
    public NativeBuffer<float> Delta { get; }

    private NativeBuffer<float> ScratchPool { get; }

    /// <summary>Scratch of one thread: as wide as the widest input of a matrix.</summary>
    public Span<float> Scratch(int part) => ScratchPool.Span.Slice(part * _scratchStride, _scratchStride);

    /// <inheritdoc/>
    public void Dispose()
    {
        Residual.Dispose();
        Normed.Dispose();
        Query.Dispose();
        Key.Dispose();
        Value.Dispose();
        Attended.Dispose();
        Gate.Dispose();
        Up.Dispose();
        Delta.Dispose();
        ScratchPool.Dispose();
    }

    private static NativeBuffer<float> Allocate(int rows, int columns) => new NativeBuffer<float>(checked(rows * columns));
}
