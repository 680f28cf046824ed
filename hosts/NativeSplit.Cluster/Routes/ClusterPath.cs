using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using NativeSplit.Cluster.Links;
using NativeSplit.Cluster.Messages;
using NativeSplit.Cluster.Stages;
using NativeSplit.Engine;
using NativeSplit.Engine.Execution;
using NativeSplit.Model;
using NativeSplit.Placement;
using NativeSplit.Transport.Frames;
using NativeSplit.Transport.Links;

namespace NativeSplit.Cluster.Routes;

/// <summary>The way through all layers when some run on workers: local segments here, the others over sealed links, worker to worker directly.</summary>
public sealed partial class ClusterPath : ILayerPath
{
    private readonly StepWaiter _waiter;
    private readonly StageReservations _reservations;
    private readonly Dictionary<SequenceId, RunningSequence> _sequences = [];
    private readonly RouteOptions _options;
    private readonly ModelShape _shape;
    private readonly TimeProvider _time;
    private readonly SemaphoreSlim _oneCaller = new(1, 1);
    private Route? _route;
    private TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private EngineException? _broken = new(EngineFault.PathBroken, "The plan isn't in force yet: not every worker has joined.");
    private ulong _batchNumber;
    private int _liveTokens;
    private readonly StageMeter _meter = new();
    private long _localTicks;

    /// <summary>Starts without a route: every call fails with <see cref="EngineFault.PathBroken"/> until one is in force.</summary>
    /// <param name="shape">Shape of the model.</param>
    /// <param name="options">Limits.</param>
    /// <param name="time">Clock of the time-outs.</param>
    public ClusterPath(ModelShape shape, RouteOptions options, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(shape);
        ArgumentNullException.ThrowIfNull(options);
        _shape = shape;
        _options = options;
        _time = time;
        _reservations = new StageReservations(options.StepTimeout, time, () => Current());
        _waiter = new StepWaiter(options.MaxSequences, shape.HiddenSize, options.Encoding, options.StepTimeout, time);
    }

    /// <inheritdoc/>
    public int ContextLength => Math.Min(_shape.ContextLength, _options.KvTokens);

    /// <summary>True while a route is in force.</summary>
    public bool IsInForce => Volatile.Read(ref _broken) is null;

    /// <summary>Steps taken, their time, and the part of it spent in the gateway's own executors.</summary>
    public RouteTimings Timings
    {
        get
        {
            StageSums steps = Sums;
            return new RouteTimings(steps.Batches, TimeSpan.FromMicroseconds(steps.ComputeMicroseconds), Stopwatch.GetElapsedTime(0, Interlocked.Read(ref _localTicks)));
        }
    }

    /// <summary>Sums over whole steps, from the first stage's start to the last one's end.</summary>
    public StageSums Sums => _meter.Read();

    /// <summary>Positions in the KV caches now, over all sequences.</summary>
    public int LiveTokens => Volatile.Read(ref _liveTokens);

    /// <inheritdoc/>
    public Task WaitUntilReadyAsync(CancellationToken cancellationToken) => Volatile.Read(ref _ready).Task.WaitAsync(cancellationToken);

    /// <inheritdoc/>
    /// <remarks>When an earlier reservation can't grow on some stage, the stages before it keep the larger room until <see cref="FreeAsync"/>.</remarks>
    public async ValueTask<bool> TryReserveAsync(SequenceId sequence, int tokens, CancellationToken cancellationToken)
    {
        await _oneCaller.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            Route route = Current();
            int granted = 0;
            try
            {
                while (granted < route.Stages.Count && await _reservations.ReserveAsync(route, granted, sequence, tokens, cancellationToken).ConfigureAwait(false))
                {
                    granted++;
                }
            }
            catch when (!_sequences.ContainsKey(sequence))
            {
                // The stage that didn't answer may have granted it all the same.
                await StageReservations.FreeAsync(route, granted + 1, sequence).ConfigureAwait(false);
                throw;
            }

            if (granted == route.Stages.Count)
            {
                _sequences[sequence] = new RunningSequence(Math.Max(tokens, _sequences.GetValueOrDefault(sequence).Reserved), _sequences.GetValueOrDefault(sequence).Length);
                return true;
            }

            if (!_sequences.ContainsKey(sequence))
            {
                await StageReservations.FreeAsync(route, granted, sequence).ConfigureAwait(false);
            }

            return false;
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
            if (_sequences.Remove(sequence, out RunningSequence gone))
            {
                Volatile.Write(ref _liveTokens, _liveTokens - gone.Length);
            }

            if (_route is { } route)
            {
                await StageReservations.FreeAsync(route, route.Stages.Count, sequence).ConfigureAwait(false);
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
            Route route = Current();
            RequireRoom(batch.Span);
            await RunStagesAsync(route, batch, hidden, cancellationToken).ConfigureAwait(false);
            Advance(batch.Span);
            _meter.Add(batch.Span, Stopwatch.GetTimestamp() - start);
        }
        catch (Exception e) when (e is LinkException or ObjectDisposedException)
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

    /// <summary>Sums of the stages of the route in force that run here, by index in the plan of an epoch; empty when another is in force.</summary>
    internal IReadOnlyList<(int Stage, StageSums Sums)> LocalSums(PlanEpoch epoch) => Volatile.Read(ref _route) is { } route && route.Epoch == epoch
        ? [.. route.Stages.Select((stage, index) => (stage, index)).Where(entry => entry.stage.Local is not null).Select(entry => (entry.index, entry.stage.Meter.Read()))]
        : [];

    /// <summary>As <see cref="BreakAsync(string)"/>, if the route in force goes over a link that has ended. A route that is being prepared over it is given up.</summary>
    internal async ValueTask BreakAsync(PeerConnection lost, string reason)
    {
        if (Volatile.Read(ref _migration) is { } migration && migration.To.Uses(lost))
        {
            migration.Abort(new ClusterException(ClusterFault.NodeLost, reason));
        }

        if (Volatile.Read(ref _route) is { } route && route.Uses(lost))
        {
            await BreakAsync(reason, route).ConfigureAwait(false);
        }
    }

    /// <summary>Ends the route in force, if any: the step on its way fails, later calls fail with the same reason.</summary>
    internal ValueTask BreakAsync(string reason) => BreakAsync(reason, null);

    /// <summary>As above, but only the given route: one that has come into force since is left alone.</summary>
    private async ValueTask BreakAsync(string reason, Route? route)
    {
        // First without the lock, which a step on its way holds; then again under it, in case a route came into force meanwhile.
        var cause = new EngineException(EngineFault.PathBroken, reason);
        Close(cause);
        await _oneCaller.WaitAsync().ConfigureAwait(false);
        if (route is null || _route is null || _route == route)
        {
            Close(cause);
            _route?.Dispose();
            Volatile.Write(ref _route, null);
            Forget();
        }
        else
        {
            Volatile.Write(ref _broken, null);
            _waiter.Open();
            Volatile.Read(ref _ready).TrySetResult();
        }

        _oneCaller.Release();
    }

    /// <summary>Rows came back from the last worker of a chain.</summary>
    /// <exception cref="ClusterException"><see cref="ClusterFault.Protocol"/>: they aren't the rows that are awaited.</exception>
    internal void AcceptRows(FrameHeader header, ReadOnlySpan<byte> payload) => _waiter.Accept(header, payload);

    /// <summary>A worker answered a reservation.</summary>
    internal void AcceptReservation(SequenceReserved answer) => _reservations.Accept(answer);

    /// <summary>A worker couldn't run a batch.</summary>
    internal void AcceptFailure(StepFailed failure, string node) =>
        _waiter.Fail(failure.Epoch, failure.Batch, new EngineException(EngineFault.PathBroken, $"{node} couldn't run a step: {PeerText.Clean(failure.Reason)}"));

    private Route Current() => Volatile.Read(ref _broken) is { } cause ? throw new EngineException(EngineFault.PathBroken, cause.Message) : _route!;

    /// <summary>A plan that has come into force since a sequence was reserved knows nothing of it.</summary>
    private void RequireRoom(ReadOnlySpan<SequenceRows> batch)
    {
        foreach (SequenceRows rows in batch)
        {
            if (!_sequences.ContainsKey(rows.Sequence))
            {
                throw new EngineException(EngineFault.PathBroken, "The plan has changed, and the sequence has no KV room on the new route. Send the request again.");
            }
        }
    }

    /// <summary>Notes how far the sequences of a step are cached.</summary>
    private void Advance(ReadOnlySpan<SequenceRows> batch)
    {
        int live = _liveTokens;
        foreach (SequenceRows rows in batch)
        {
            ref RunningSequence sequence = ref CollectionsMarshal.GetValueRefOrNullRef(_sequences, rows.Sequence);
            live += rows.Position + rows.Count - sequence.Length;
            sequence = sequence with { Length = rows.Position + rows.Count };
        }

        Volatile.Write(ref _liveTokens, live);
    }

    private void Close(EngineException cause)
    {
        if (Volatile.Read(ref _ready).Task.IsCompleted)
        {
            Volatile.Write(ref _ready, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        }

        Volatile.Write(ref _broken, cause);

        _waiter.Shut(cause);
        Volatile.Read(ref _migration)?.Abort(cause);
        _reservations.Fail(cause);
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
                long ticks = Stopwatch.GetTimestamp() - start;
                Interlocked.Add(ref _localTicks, ticks);
                stage.Meter.Add(batch.Span, ticks);
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
        int returnStage = route.ReturnOf(stage);
        ExpectRows(route, stage, returnStage, expected: true);
        try
        {
            ValueTask back = _waiter.Begin(route.Epoch.Value, number, returnStage, batch, hidden);
            try
            {
                await route.Stages[stage].Remote!.SendRowsAsync(route.Epoch.Value, number, (ushort)stage, batch, hidden, _shape.HiddenSize, _options.Encoding, cancellationToken).ConfigureAwait(false);
            }
            catch (Exception e)
            {
                // Thrown by the wait below, which must not outlive the caller's buffer.
                _waiter.Fail(e);
            }

            using (cancellationToken.UnsafeRegister(static (state, token) => ((StepWaiter)state!).Fail(new OperationCanceledException(token)), _waiter))
            {
                await back.ConfigureAwait(false);
            }
        }
        finally
        {
            ExpectRows(route, stage, returnStage, expected: false);
        }

        return returnStage;
    }

    // Each worker on the way may be the one that dies, and the gateway sends rows to the first of them only.
    private static void ExpectRows(Route route, int stage, int returnStage, bool expected)
    {
        for (int i = stage; i < returnStage; i++)
        {
            route.Stages[i].Remote!.ExpectRows(expected);
        }
    }

    private void Forget()
    {
        _sequences.Clear();
        Volatile.Write(ref _liveTokens, 0);
    }
}
