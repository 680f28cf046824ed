using NativeSplit.Engine.Execution;

namespace NativeSplit.Engine.Tests.Generation;

/// <summary>A path that tests can hold up, break and tamper with.</summary>
internal sealed class TestPath(ILayerPath inner) : ILayerPath
{
    /// <summary>Runs before every forward; may wait or throw.</summary>
    public Func<ReadOnlyMemory<SequenceRows>, CancellationToken, ValueTask>? BeforeForward { get; set; }

    /// <summary>Runs after every forward, on its result.</summary>
    public Action<ReadOnlyMemory<SequenceRows>, Memory<float>>? AfterForward { get; set; }

    /// <summary>Runs before every reservation; may wait or throw.</summary>
    public Func<CancellationToken, ValueTask>? BeforeReserve { get; set; }

    /// <summary>Thrown by every free, after the inner one.</summary>
    public Exception? FreeFailure { get; set; }

    /// <summary>What a wait for the path waits for.</summary>
    public Task Ready { get; set; } = Task.CompletedTask;

    public int ContextLength => inner.ContextLength;

    public Task WaitUntilReadyAsync(CancellationToken cancellationToken) => Ready.WaitAsync(cancellationToken);

    public async ValueTask<bool> TryReserveAsync(SequenceId sequence, int tokens, CancellationToken cancellationToken)
    {
        if (BeforeReserve is { } before)
        {
            await before(cancellationToken);
        }

        return await inner.TryReserveAsync(sequence, tokens, cancellationToken);
    }

    public async ValueTask FreeAsync(SequenceId sequence)
    {
        await inner.FreeAsync(sequence);
        if (FreeFailure is { } failure)
        {
            throw failure;
        }
    }

    public async ValueTask ForwardAsync(ReadOnlyMemory<SequenceRows> batch, Memory<float> hidden, CancellationToken cancellationToken)
    {
        if (BeforeForward is { } before)
        {
            await before(batch, cancellationToken);
        }

        await inner.ForwardAsync(batch, hidden, cancellationToken);
        AfterForward?.Invoke(batch, hidden);
    }

    public ValueTask DisposeAsync() => inner.DisposeAsync();
}
