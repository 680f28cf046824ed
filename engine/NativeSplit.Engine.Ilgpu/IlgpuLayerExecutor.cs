using NativeSplit.Engine.Caching;
using NativeSplit.Engine.Execution;
using NativeSplit.Engine.Execution.Cpu;
using NativeSplit.Kernels;
using NativeSplit.Kernels.Ilgpu;
using NativeSplit.Model;
using NativeSplit.Model.Weights;

namespace NativeSplit.Engine.Ilgpu;

/// <summary>Runs a layer range wholly on a device: weights in their quantised blocks, KV cache and activations lie there.</summary>
/// <remarks>
/// <para>Borrows the device, which several executors may share; owns its memory on it, all taken by the constructor. Matrices are
/// released from the weights when they are uploaded (<see cref="ModelWeights.Release"/>).</para>
/// <para>One transfer in (rows and batch table) and one out per piece of <see cref="IlgpuExecutorOptions.MaxBatchRows"/> rows; the
/// processor waits only at the end of a piece. Activations are float32.</para>
/// <para>A row's bits depend on its own sequence alone, as for every executor. They differ from the CPU executor's by rounding:
/// sums are taken in another order.</para>
/// </remarks>
public sealed class IlgpuLayerExecutor : ILayerExecutor
{
    private readonly ComputeDevice _device;
    private readonly DeviceMemory _memory;
    private readonly PagedKvCache _pages;        // book-keeping alone: the memory lies on the device
    private readonly DeviceLayer[] _layers;
    private readonly int _maxRows;
    private readonly StagingBuffer _staging;     // [rows, hidden], then the batch table; the residual stream of a piece
    private readonly DeviceArray<float> _normed;     // [maxRows, hidden]
    private readonly DeviceArray<float> _query;      // [maxRows, heads, headSize]
    private readonly DeviceArray<float> _key;        // [maxRows, kvHeads, headSize]
    private readonly DeviceArray<float> _value;      // [maxRows, kvHeads, headSize]
    private readonly DeviceArray<float> _attended;   // [maxRows, heads, headSize]
    private readonly DeviceArray<float> _gate;       // [maxRows, feedForward]
    private bool _disposed;

    /// <summary>Uploads the layers that are loaded.</summary>
    /// <param name="shape">Shape of the whole model.</param>
    /// <param name="weights">The layers; lent, their matrices released.</param>
    /// <param name="device">Where to run; lent.</param>
    /// <param name="options">Sizes.</param>
    /// <exception cref="ArgumentException">The weights don't have the model's shapes, or a size isn't positive.</exception>
    /// <exception cref="DeviceException">A weight type or a head size has no kernel, or the device hasn't the memory, or failed.</exception>
    public IlgpuLayerExecutor(ModelShape shape, ModelWeights weights, ComputeDevice device, IlgpuExecutorOptions options)
    {
        ArgumentNullException.ThrowIfNull(shape);
        ArgumentNullException.ThrowIfNull(weights);
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(options.MaxBatchRows);
        LayerShapes.Check(shape, weights);
        RequireKernels(shape, weights);
        Shape = shape;
        Range = weights.Range;
        Backend = $"{device.Id} ({device.Info.Name})";
        _device = device;
        _maxRows = options.MaxBatchRows;
        _pages = new PagedKvCache(shape, layers: 0, options.KvCapacityTokens);
        _memory = device.CreateMemory();
        try
        {
            int pages = _pages.Use.CapacityTokens / PagedKvCache.PagePositions;
            device.Kernels.Prepare();
            const string Activations = "the activations";
            _staging = _memory.AllocateStaging(checked((_maxRows * shape.HiddenSize) + DeviceBatch.MaxWords(_maxRows, pages)), Activations);
            _normed = _memory.AllocateFloats(checked(_maxRows * shape.HiddenSize), Activations);
            _query = _memory.AllocateFloats(checked(_maxRows * shape.QuerySize), Activations);
            _key = _memory.AllocateFloats(checked(_maxRows * shape.KeyValueSize), Activations);
            _value = _memory.AllocateFloats(checked(_maxRows * shape.KeyValueSize), Activations);
            _attended = _memory.AllocateFloats(checked(_maxRows * shape.QuerySize), Activations);
            _gate = _memory.AllocateFloats(checked(_maxRows * shape.FeedForwardSize), Activations);
            var rotary = new DeviceRotary(shape.Rope, Math.Min(shape.ContextLength, _pages.Use.CapacityTokens), _memory);
            _layers = new DeviceLayer[weights.Layers.Count];
            for (int i = 0; i < _layers.Length; i++)
            {
                _layers[i] = new DeviceLayer(shape, weights.Layers[i], Range.Start + i, pages, _memory, rotary);
                Release(weights, weights.Layers[i]);
            }
        }
        catch
        {
            _memory.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public ModelShape Shape { get; }

    /// <inheritdoc/>
    public LayerRange Range { get; }

    /// <inheritdoc/>
    public string Backend { get; }

    /// <inheritdoc/>
    public KvCacheUse KvCacheUse => _pages.Use;

    /// <inheritdoc/>
    public IKvPages? KvPages => null;

    /// <summary>Bytes on the device: weights, KV cache and activations.</summary>
    public long DeviceBytes => _memory.ByteLength;

    /// <inheritdoc/>
    public bool TryReserve(SequenceId sequence, int tokens)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return _pages.TryReserve(sequence, tokens);
    }

    /// <inheritdoc/>
    public void Free(SequenceId sequence) => _pages.Free(sequence);

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">An entry has no rows, a sequence is there twice, or <paramref name="hidden"/> hasn't one row per row of the batch. Nothing is changed.</exception>
    /// <exception cref="DeviceException">The device failed; the rows of the batch aren't cached, and the executor should be disposed.</exception>
    public void Forward(ReadOnlySpan<SequenceRows> batch, Span<float> hidden)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        _pages.Check(batch);
        int rows = SequenceRows.Total(batch);
        int width = Shape.HiddenSize;
        if (hidden.Length != (long)rows * width)
        {
            throw new ArgumentException($"A batch of {rows} rows of width {width} doesn't fit {hidden.Length} elements.", nameof(hidden));
        }

        for (int first = 0; first < rows; first += _maxRows)
        {
            int count = Math.Min(_maxRows, rows - first);
            RunPiece(batch, first, count, hidden.Slice(first * width, count * width));
        }

        _pages.Advance(batch);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (!_disposed)
        {
            _disposed = true;
            _memory.Dispose();
            _pages.Dispose();
        }
    }

    private static void RequireKernels(ModelShape shape, ModelWeights weights)
    {
        bool plain = shape.Norm == NormKind.RootMeanSquare && shape.Activation == ActivationKind.SiluGated && shape.ScoreScale == 0 && shape.ScoreSoftCap == 0 &&
            shape.Window == AttentionWindow.None && shape.Experts is null && weights.Layers.All(IsPlain);
        if (!plain)
        {
            throw new DeviceException(
                DeviceFault.UnsupportedShape,
                $"Layers of architecture '{shape.Architecture}' need operations that have no device kernel (experts, windows, soft caps, other norms or activations). Run these layers on the processor.");
        }

        if (shape.HeadSize > DeviceKernels.MaxHeadSize)
        {
            throw new DeviceException(
                DeviceFault.UnsupportedShape,
                $"Heads of {shape.HeadSize} elements have no device kernel; {DeviceKernels.MaxHeadSize} is the most. Run these layers on the processor.");
        }
    }

    private static bool IsPlain(LayerWeights layer) =>
        layer.Gate is not null && layer.Up is not null && layer.Down is not null && layer.AttentionNormBias.IsEmpty && layer.FeedForwardNormBias.IsEmpty &&
        layer.AttentionPostNorm.IsEmpty && layer.FeedForwardPostNorm.IsEmpty && layer.UpBias.IsEmpty && layer.DownBias.IsEmpty;

    private static void Release(ModelWeights weights, LayerWeights layer)
    {
        foreach (WeightMatrix matrix in layer.Matrices)
        {
            weights.Release(matrix);
        }
    }

    private void RunPiece(ReadOnlySpan<SequenceRows> batch, int first, int rows, Span<float> piece)
    {
        using ComputeDevice.Scope scope = _device.Enter();
        piece.CopyTo(_staging.Host);
        int words = DeviceBatch.Write(batch, first, rows, _pages, _staging.HostWords[piece.Length..]);
        _staging.QueueUpload(piece.Length + words);
        foreach (DeviceLayer layer in _layers)
        {
            RunLayer(layer, piece.Length, rows);
        }

        _staging.QueueDownload(piece.Length);
        _device.Synchronize();
        _staging.Host[..piece.Length].CopyTo(piece);
    }

    // One pre-norm transformer layer (Touvron et al. 2023): residual += Attention(norm(residual)); residual += FeedForward(norm(residual)).
    private void RunLayer(DeviceLayer w, int table, int rows)
    {
        DeviceKernels kernels = _device.Kernels;
        DeviceArray<float> residual = _staging.Device;                                                                   // [rows, hidden]

        kernels.RmsNorm(residual, w.AttentionNorm, Shape.NormEpsilon, rows, _normed);                                    // [rows, hidden]
        kernels.Multiply(w.Query, _normed, rows, w.QueryBias, _query);                                                   // [rows, heads, headSize]
        kernels.Multiply(w.Key, _normed, rows, w.KeyBias, _key);                                                         // [rows, kvHeads, headSize]
        kernels.Multiply(w.Value, _normed, rows, w.ValueBias, _value);                                                   // [rows, kvHeads, headSize]
        kernels.AppendHeads(w.Attention, _query, _key, _value, _staging.DeviceWords, table, rows);                       // norm per head, rotary, append
        kernels.Attend(w.Attention, _query, _staging.DeviceWords, table, rows, _attended);                               // [rows, heads, headSize]
        kernels.Multiply(w.AttentionOutput, _attended, rows, w.AttentionOutputBias, residual, Epilogue.Add);

        kernels.RmsNorm(residual, w.FeedForwardNorm, Shape.NormEpsilon, rows, _normed);                                  // [rows, hidden]
        kernels.Multiply(w.Gate, _normed, rows, bias: null, _gate);                                                      // [rows, feedForward]
        kernels.Multiply(w.Up, _normed, rows, bias: null, _gate, Epilogue.Gate);                                         // [rows, feedForward]
        kernels.Multiply(w.Down, _gate, rows, bias: null, residual, Epilogue.Add);
    }
}
