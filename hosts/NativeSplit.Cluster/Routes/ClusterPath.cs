using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using NativeSplit.Cluster.Messages;
using NativeSplit.Engine;
using NativeSplit.Engine.Execution;
using NativeSplit.Model;
using NativeSplit.Transport.Frames;
using NativeSplit.Transport.Links;

namespace NativeSplit.Cluster.Routes;

/// <summary>The way through all layers when some run on workers: local segments here, the others over sealed links, worker to worker directly.</summary>
public sealed class ClusterPath : ILayerPath
{
    private readonly StepWaiter _waiter;
    private readonly ConcurrentDictionary<(ushort Stage, ulong Sequence), TaskCompletionSource<bool>> _reservations = new();
    private readonly RouteOptions _options;
    private readonly ModelShape _shape;
    private readonly SemaphoreSlim _oneCaller = new(1, 1);
    private Route? _route;
    private string _broken = "The plan isn't in force yet: not every worker has joined.";
    private ulong _batchNumber;
    private long _steps;
    private long _stepTicks;
    private long _localTicks;

    /// <summary>Starts without a route: every call fails with <see cref="EngineFault.PathBroken"/> until one is in force.</summary>
    /// <param name="shape">Shape of the model.</param>
    /// <param name="options">Limits.</param>
    /// <param name="time">Clock of the step time-out.</param>
    public ClusterPath(ModelShape shape, RouteOptions options, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(shape);
        ArgumentNullException.ThrowIfNull(options);
        _shape = shape;
        _options = options;
        _waiter = new StepWaiter(options.MaxSequences, shape.HiddenSize, options.Encoding, options.StepTimeout, time);
    }

    /// <inheritdoc/>
    public int ContextLength => Math.Min(_shape.ContextLength, _options.KvTokens);

    /// <summary>Steps taken, their time, and the part of it spent in the gateway's own executors.</summary>
    public RouteTimings Timings => new(
        Interlocked.Read(ref _steps),
        Stopwatch.GetElapsedTime(0, Interlocked.Read(ref _stepTicks)),
        Stopwatch.GetElapsedTime(0, Interlocked.Read(ref _localTicks)));

    /// <inheritdoc/>
    public async ValueTask<bool> TryReserveAsync(SequenceId sequence, int tokens, CancellationToken cancellationToken)
    {
        await _oneCaller.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            Route route = Current();
            for (int i = 0; i < route.Stages.Count; i++)
            {
                if (!await ReserveAtAsync(route, i, sequence, tokens, cancellationToken).ConfigureAwait(false))
                {
                    await FreeStagesAsync(route, i, sequence).ConfigureAwait(false);
                    return false;
                }
            }

            return true;
        }
        finally
        {
            _oneCaller.Release();
        }
    }

    /// <inheritdoc/>
    public async ValueTask FreeAsync(SequenceId sequence)
    {
        await _oneCaller.WaitAsync(CancellationToken.None).ConfigureAwait(false);
        try
        {
            if (_route is { } route)
            {
                await FreeStagesAsync(route, route.Stages.Count, sequence).ConfigureAwait(false);
            }
        }
        finally
        {
            _oneCaller.Release();
        }
    }

    /// <inheritdoc/>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public async ValueTask ForwardAsync(ReadOnlyMemory<SequenceRows> batch, Memory<float> hidden, CancellationToken cancellationToken)
    {
        await _oneCaller.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            long start = Stopwatch.GetTimestamp();
            await RunStagesAsync(Current(), batch, hidden, cancellationToken).ConfigureAwait(false);
            Interlocked.Add(ref _stepTicks, Stopwatch.GetTimestamp() - start);
            Interlocked.Increment(ref _steps);
        }
        catch (LinkException e)
        {
            throw new EngineException(EngineFault.PathBroken, $"The step couldn't be sent: {e.Message}", e);
        }
        finally
        {
            _oneCaller.Release();
        }
    }

    /// <summary>Breaks the route and frees what the gateway holds for it.</summary>
    public async ValueTask DisposeAsync()
    {
        await BreakAsync("The gateway is stopping.").ConfigureAwait(false);
        _waiter.Dispose();
        _oneCaller.Dispose();
    }

    /// <summary>Puts a route in force; owned from here on.</summary>
    internal async ValueTask ActivateAsync(Route route)
    {
        await _oneCaller.WaitAsync().ConfigureAwait(false);
        _route = route;
        _waiter.Open();
        _oneCaller.Release();
    }

    /// <summary>Ends the route in force, if any: the step on its way fails, later calls fail with the same reason.</summary>
    internal async ValueTask BreakAsync(string reason)
    {
        Volatile.Write(ref _broken, reason);
        var cause = new EngineException(EngineFault.PathBroken, reason);
        FailAll(cause);
        await _oneCaller.WaitAsync().ConfigureAwait(false);
        _route?.Dispose();
        _route = null;
        FailAll(cause);
        _oneCaller.Release();
    }

    /// <summary>Rows came back from the last worker of a chain.</summary>
    internal void AcceptRows(FrameHeader header, ReadOnlySpan<byte> payload) => _waiter.Accept(header, payload);

    /// <summary>A worker answered a reservation.</summary>
    internal void AcceptReservation(SequenceReserved answer)
    {
        if (_reservations.TryRemove((answer.Stage, answer.Sequence), out TaskCompletionSource<bool>? waiting))
        {
            waiting.TrySetResult(answer.Granted);
        }
    }

    /// <summary>A worker couldn't run a batch.</summary>
    internal void AcceptFailure(StepFailed failure, string node) =>
        _waiter.Fail(failure.Epoch, failure.Batch, new EngineException(EngineFault.PathBroken, $"{node} couldn't run a step: {failure.Reason}"));

    private Route Current() => _route ?? throw new EngineException(EngineFault.PathBroken, Volatile.Read(ref _broken));

    private void FailAll(EngineException cause)
    {
        _waiter.Shut(cause);
        foreach (TaskCompletionSource<bool> waiting in _reservations.Values)
        {
            waiting.TrySetException(cause);
        }

        _reservations.Clear();
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask RunStagesAsync(Route route, ReadOnlyMemory<SequenceRows> batch, Memory<float> hidden, CancellationToken cancellationToken)
    {
        ulong number = ++_batchNumber;
        int next = 0;
        while (next < route.Stages.Count)
        {
            RouteStage stage = route.Stages[next];
            if (stage.Local is { } executor)
            {
                long start = Stopwatch.GetTimestamp();
                executor.Forward(batch.Span, hidden.Span);
                Interlocked.Add(ref _localTicks, Stopwatch.GetTimestamp() - start);
                next++;
                continue;
            }

            next = await CrossAsync(route, next, number, batch, hidden, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Sends rows into the workers and waits for them to come back; gives the stage they are then for.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<int> CrossAsync(Route route, int stage, ulong number, ReadOnlyMemory<SequenceRows> batch, Memory<float> hidden, CancellationToken cancellationToken)
    {
        ValueTask<int> back = _waiter.Begin(route.Epoch.Value, number, batch, hidden);
        try
        {
            await route.Stages[stage].Remote!.SendRowsAsync(route.Epoch.Value, number, (ushort)stage, batch, hidden, _shape.HiddenSize, _options.Encoding, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is LinkException or OperationCanceledException or ObjectDisposedException)
        {
            _waiter.Fail(e);
        }

        int returned;
        using (cancellationToken.UnsafeRegister(static (state, token) => ((StepWaiter)state!).Fail(new OperationCanceledException(token)), _waiter))
        {
            returned = await back.ConfigureAwait(false);
        }

        return returned > stage && returned <= route.Stages.Count
            ? returned
            : throw new EngineException(EngineFault.PathBroken, $"Rows for stage {stage} came back for stage {returned}.");
    }

    private async ValueTask<bool> ReserveAtAsync(Route route, int index, SequenceId sequence, int tokens, CancellationToken cancellationToken)
    {
        RouteStage stage = route.Stages[index];
        if (stage.Local is { } executor)
        {
            return executor.TryReserve(sequence, tokens);
        }

        var answer = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        var key = ((ushort)index, sequence.Value);
        _reservations[key] = answer;
        try
        {
            var message = new ReserveSequence { Epoch = route.Epoch.Value, Stage = (ushort)index, Sequence = sequence.Value, Tokens = tokens };
            await stage.Remote!.SendAsync(message, cancellationToken).ConfigureAwait(false);
            return await answer.Task.WaitAsync(_options.StepTimeout, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is LinkException or TimeoutException or ObjectDisposedException)
        {
            throw new EngineException(EngineFault.PathBroken, $"{stage.Node} didn't answer a reservation: {e.Message}", e);
        }
        finally
        {
            _reservations.TryRemove(key, out _);
        }
    }

    private static async ValueTask FreeStagesAsync(Route route, int count, SequenceId sequence)
    {
        for (int i = 0; i < count; i++)
        {
            RouteStage stage = route.Stages[i];
            stage.Local?.Free(sequence);
            if (stage.Remote is { } peer)
            {
                try
                {
                    await peer.SendAsync(new FreeSequence { Epoch = route.Epoch.Value, Stage = (ushort)i, Sequence = sequence.Value }, CancellationToken.None).ConfigureAwait(false);
                }
                catch (Exception e) when (e is LinkException or ObjectDisposedException)
                {
                    // The worker is gone, and its KV cache with it.
                }
            }
        }
    }
}
