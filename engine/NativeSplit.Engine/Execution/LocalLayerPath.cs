namespace NativeSplit.Engine.Execution;

/// <summary>A path whose stages all run in this process, one executor after the other on the caller's thread.</summary>
/// <remarks>
/// Owns the executors. Everything completes synchronously. A cut model gives the bits of the uncut one, since each executor keeps that promise.
/// </remarks>
public sealed class LocalLayerPath : ILayerPath
{
    private readonly ILayerExecutor[] _executors;
    private readonly HashSet<SequenceId> _sequences = [];

    /// <summary>Joins executors to a path.</summary>
    /// <param name="executors">The stages in order; their ranges must cover the layers of one model without gap or overlap. Owned from here on.</param>
    /// <param name="maxContext">Positions of one sequence at most, where that is less than model and caches take: a cache has whole pages.</param>
    /// <exception cref="ArgumentException">The ranges don't tile the model, or the executors are of models with different shapes.</exception>
    public LocalLayerPath(IReadOnlyList<ILayerExecutor> executors, int maxContext = int.MaxValue)
    {
        ArgumentNullException.ThrowIfNull(executors);
        _executors = [.. executors];
        if (_executors.Length == 0)
        {
            throw new ArgumentException("A path needs at least one executor.", nameof(executors));
        }

        var shape = _executors[0].Shape;
        int next = 0;
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maxContext);
        ContextLength = Math.Min(shape.ContextLength, maxContext);
        foreach (var executor in _executors)
        {
            if (executor.Range.Start != next || executor.Shape.LayerCount != shape.LayerCount || executor.Shape.HiddenSize != shape.HiddenSize)
            {
                throw new ArgumentException(
                    $"Range {executor.Range} of a model with {executor.Shape.LayerCount} layers of width {executor.Shape.HiddenSize} doesn't continue " +
                    $"a path that has come to layer {next} of {shape.LayerCount} of width {shape.HiddenSize}.",
                    nameof(executors));
            }

            next = executor.Range.End;
            ContextLength = Math.Min(ContextLength, executor.KvCacheUse.CapacityTokens);
        }

        if (next != shape.LayerCount)
        {
            throw new ArgumentException($"The path ends at layer {next}; the model has {shape.LayerCount}.", nameof(executors));
        }
    }

    /// <inheritdoc/>
    public int ContextLength { get; }

    /// <summary>The stages, in order; lent.</summary>
    public IReadOnlyList<ILayerExecutor> Executors => _executors;

    /// <inheritdoc/>
    public Task WaitUntilReadyAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    /// <remarks>When an earlier reservation can't grow on some stage, the stages before it keep the larger room until <see cref="FreeAsync"/>.</remarks>
    public ValueTask<bool> TryReserveAsync(SequenceId sequence, int tokens, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        for (int i = 0; i < _executors.Length; i++)
        {
            if (_executors[i].TryReserve(sequence, tokens))
            {
                continue;
            }

            for (int before = 0; before < i && !_sequences.Contains(sequence); before++)
            {
                _executors[before].Free(sequence);
            }

            return new ValueTask<bool>(false);
        }

        _sequences.Add(sequence);
        return new ValueTask<bool>(true);
    }

    /// <inheritdoc/>
    public ValueTask FreeAsync(SequenceId sequence)
    {
        _sequences.Remove(sequence);
        foreach (var executor in _executors)
        {
            executor.Free(sequence);
        }

        return default;
    }

    /// <inheritdoc/>
    public ValueTask ForwardAsync(ReadOnlyMemory<SequenceRows> batch, Memory<float> hidden, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        foreach (var executor in _executors)
        {
            executor.Forward(batch.Span, hidden.Span);
        }

        return default;
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        foreach (var executor in _executors)
        {
            executor.Dispose();
        }

        return default;
    }
}
