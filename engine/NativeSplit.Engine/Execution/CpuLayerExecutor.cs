using NativeSplit.Engine.Caching;
using NativeSplit.Engine.Execution.Cpu;
using NativeSplit.Kernels;
using NativeSplit.Kernels.Threading;
using NativeSplit.Model;
using NativeSplit.Model.Weights;

namespace NativeSplit.Engine.Execution;

/// <summary>Runs a layer range on the processor: in float32 from stored weights, or with int8 activations from packed ones.</summary>
/// <remarks>
/// <para>Borrows weights, kernels and team; they must outlive it, and nobody else may use the team during a call. Owns its KV cache
/// and activations, all allocated by the constructor: neither <see cref="Forward"/> nor <see cref="Free"/> allocates.</para>
/// <para>With <see cref="ActivationPrecision.Int8"/> the constructor packs the matrices that can be, owns the result, and releases those
/// matrices from the weights (<see cref="ModelWeights.Release"/>): memory holds each of them once.</para>
/// <para>In either precision a row's bits depend on its own sequence alone: not on the batch, the pieces, the threads or the cut.</para>
/// <para>Batches of any size are taken; more rows than <see cref="CpuExecutorOptions.MaxBatchRows"/> are computed in pieces.</para>
/// </remarks>
public sealed class CpuLayerExecutor : ILayerExecutor
{
    private readonly ModelWeights _weights;
    private readonly LayerOperands[] _layers;
    private readonly PagedKvCache _cache;
    private readonly Activations _activations;
    private readonly BatchTable _batch;
    private readonly int _maxRows;
    private readonly NormJob _norm;
    private readonly ProjectJob _project;
    private readonly CacheJob _cacheHeads;
    private readonly AttendJob _attend;
    private readonly GateJob _gate;
    private readonly PostNormJob _postNorm;
    private readonly ExpertBlock? _experts;
    private readonly QuantizeJob _quantize;
    private bool _disposed;

    /// <summary>Makes an executor for the layers that are loaded.</summary>
    /// <param name="shape">Shape of the whole model.</param>
    /// <param name="weights">The layers; lent, those that get packed released.</param>
    /// <param name="kernels">Operations; lent.</param>
    /// <param name="team">Threads; lent.</param>
    /// <param name="options">Sizes and precision.</param>
    /// <exception cref="ArgumentException">The weights don't have the model's shapes, or a size isn't positive.</exception>
    /// <exception cref="KernelException">The system hasn't the memory for the KV cache or the packed weights.</exception>
    public CpuLayerExecutor(ModelShape shape, ModelWeights weights, KernelSet kernels, ThreadTeam team, CpuExecutorOptions options)
    {
        ArgumentNullException.ThrowIfNull(shape);
        ArgumentNullException.ThrowIfNull(weights);
        ArgumentNullException.ThrowIfNull(kernels);
        ArgumentNullException.ThrowIfNull(team);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(options.MaxBatchRows);
        LayerShapes.Check(shape, weights);
        Shape = shape;
        Backend = $"cpu/{kernels.Name}";
        _weights = weights;
        _maxRows = options.MaxBatchRows;
        _cache = new PagedKvCache(shape, weights.Range.Count, options.KvCapacityTokens, options.KvType);
        _layers = LayerOperands.CreateAll(weights, options.Activations, team);
        _activations = new Activations(shape, _maxRows, team.Size, quantized: Array.Exists(_layers, layer => layer.AnyPacked));
        _batch = new BatchTable(_maxRows);
        KvPages = new CachePages(_cache, weights.Range, shape.HeadSize);
        var rotary = new RotaryTable(shape.Rope, Math.Min(shape.ContextLength, _cache.Use.CapacityTokens));
        _norm = new NormJob(kernels, team, shape.NormEpsilon);
        _project = new ProjectJob(kernels, team, _activations);
        _cacheHeads = new CacheJob(shape, kernels, team, _activations, _batch, _cache, rotary);
        _attend = new AttendJob(shape, kernels, team, _activations, _batch, _maxRows, _cache);
        _gate = new GateJob(kernels, team, _activations, shape.Activation);
        _postNorm = new PostNormJob(kernels, team, shape.NormEpsilon);
        _experts = shape.Experts is null
            ? null
            : new ExpertBlock(shape, shape.Experts, kernels, team, _activations, _maxRows, quantized: Array.Exists(_layers, layer => layer.AnyPacked));
        _quantize = new QuantizeJob(kernels, team);
    }

    /// <inheritdoc/>
    public ModelShape Shape { get; }

    /// <inheritdoc/>
    public LayerRange Range => _weights.Range;

    /// <inheritdoc/>
    public string Backend { get; }

    /// <inheritdoc/>
    public KvCacheUse KvCacheUse => _cache.Use;

    /// <summary>The KV cache; lent.</summary>
    public PagedKvCache Cache => _cache;

    /// <inheritdoc/>
    public IKvPages KvPages { get; }

    /// <inheritdoc/>
    public bool TryReserve(SequenceId sequence, int tokens)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return _cache.TryReserve(sequence, tokens);
    }

    /// <inheritdoc/>
    public void Free(SequenceId sequence) => _cache.Free(sequence);

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">An entry has no rows, a sequence is there twice, or <paramref name="hidden"/> hasn't one row per row of the batch. Nothing is changed.</exception>
    public void Forward(ReadOnlySpan<SequenceRows> batch, Span<float> hidden)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        _cache.Check(batch);
        int rows = SequenceRows.Total(batch);
        int width = Shape.HiddenSize;
        if (hidden.Length != (long)rows * width)
        {
            throw new ArgumentException($"A batch of {rows} rows of width {width} doesn't fit {hidden.Length} elements.", nameof(hidden));
        }

        for (int first = 0; first < rows; first += _maxRows)
        {
            int count = Math.Min(_maxRows, rows - first);
            var piece = hidden.Slice(first * width, count * width);
            piece.CopyTo(_activations.Residual.Span);
            _batch.Fill(batch, first, count, _cache);
            _attend.Prepare(count);
            for (int layer = 0; layer < _weights.Layers.Count; layer++)
            {
                RunLayer(_weights.Layers[layer], _layers[layer], layer, count);
            }

            _activations.Residual.Span[..piece.Length].CopyTo(piece);
        }

        _cache.Advance(batch);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _disposed = true;
        _attend.Dispose();
        _experts?.Dispose();
        _activations.Dispose();
        _cache.Dispose();
        Array.ForEach(_layers, layer => layer.Dispose());
    }

    // One pre-norm transformer layer (Touvron et al. 2023): residual += Attention(norm(residual)); residual += FeedForward(norm(residual)).
    private void RunLayer(LayerWeights w, LayerOperands m, int layer, int rows)
    {
        var a = _activations;

        _norm.Run(a.Residual, w.AttentionNorm, w.AttentionNormBias, rows, a.Normed);                              // [rows, hidden]
        _project.Run(
            a.Normed,
            rows,
            new Projection(m.Query, w.QueryBias, a.Query),                                                        // [rows, heads, headSize]
            new Projection(m.Key, w.KeyBias, a.Key),                                                              // [rows, kvHeads, headSize]
            new Projection(m.Value, w.ValueBias, a.Value));                                                       // [rows, kvHeads, headSize]
        _cacheHeads.Run(w, layer, rows);                                                                          // norm per head, rotary, append
        _attend.Run(layer, Shape.Window.Of(Range.Start + layer));                                                 // [rows, heads, headSize]
        _quantize.Run(a.Attended, rows);
        AddToResidual(a.Attended, rows, m.AttentionOutput, w.AttentionOutputBias, w.AttentionPostNorm);

        _norm.Run(a.Residual, w.FeedForwardNorm, w.FeedForwardNormBias, rows, a.Normed);                          // [rows, hidden]
        if (_experts is not null)
        {
            _experts.Run(a.Normed, rows, m);                                                                      // residual += [rows, hidden]
            return;
        }

        _gate.Run(a.Normed, rows, m.Gate, m.Up!, w.UpBias);                                                       // [rows, feedForward]
        AddToResidual(a.Gate, rows, m.Down!, w.DownBias, w.FeedForwardPostNorm);
    }

    // residual += W·x + b, normed first where the architecture does so. [rows, hidden]
    private void AddToResidual(InputRows x, int rows, WeightOperand weights, ReadOnlyMemory<float> bias, ReadOnlyMemory<float> postNorm)
    {
        var projection = new Projection(weights, bias, _activations.Delta);
        if (postNorm.IsEmpty)
        {
            _project.RunAndAdd(x, rows, projection, _activations.Residual);
            return;
        }

        _project.Run(x, rows, projection);
        _postNorm.Run(_activations.Delta, postNorm, rows, _activations.Residual);
    }
}
