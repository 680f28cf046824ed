using System.Threading.Tasks.Sources;
using NativeSplit.Cluster.Activations;
using NativeSplit.Engine;
using NativeSplit.Engine.Execution;
using NativeSplit.Transport.Frames;

namespace NativeSplit.Cluster.Routes;

/// <summary>Waits for the rows of the one batch that is away. Reused for every step: a wait allocates nothing.</summary>
/// <remarks>
/// The receive loops of links, the time-out and the caller's cancel race for the outcome; the lock makes exactly one win,
/// and rows are written into the caller's buffer under it, so that a late answer never writes into a buffer given back.
/// </remarks>
internal sealed class StepWaiter : IValueTaskSource, IDisposable
{
    private readonly Lock _gate = new();
    private readonly SequenceRows[] _returned;
    private readonly RowEncoding _encoding;
    private readonly int _hiddenSize;
    private readonly TimeSpan _timeout;
    private readonly ITimer _timer;
    private ManualResetValueTaskSourceCore<bool> _source = new() { RunContinuationsAsynchronously = true };
    private Memory<float> _hidden;
    private ReadOnlyMemory<SequenceRows> _batch;
    private ulong _epoch;
    private ulong _batchNumber;
    private int _returnStage;
    private bool _waiting;
    private Exception? _shut;

    public StepWaiter(int maxSequences, int hiddenSize, RowEncoding encoding, TimeSpan timeout, TimeProvider time)
    {
        _returned = new SequenceRows[maxSequences];
        _hiddenSize = hiddenSize;
        _encoding = encoding;
        _timeout = timeout;
        _timer = time.CreateTimer(static state => ((StepWaiter)state!).OnTimeout(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Begins to wait; call before the rows leave.</summary>
    /// <param name="epoch">Epoch of the plan.</param>
    /// <param name="batchNumber">Number of the batch.</param>
    /// <param name="returnStage">Stage that the rows must come back for.</param>
    /// <param name="batch">The rows that leave.</param>
    /// <param name="hidden">Takes the rows that come back; shape [rows, hidden].</param>
    public ValueTask Begin(ulong epoch, ulong batchNumber, int returnStage, ReadOnlyMemory<SequenceRows> batch, Memory<float> hidden)
    {
        lock (_gate)
        {
            _source.Reset();
            if (_shut is not null)
            {
                _source.SetException(_shut);
                return new ValueTask(this, _source.Version);
            }

            _epoch = epoch;
            _batchNumber = batchNumber;
            _returnStage = returnStage;
            _batch = batch;
            _hidden = hidden;
            _waiting = true;
            _timer.Change(_timeout, Timeout.InfiniteTimeSpan);
            return new ValueTask(this, _source.Version);
        }
    }

    /// <summary>Takes rows that came back. Rows of a batch nobody waits for are dropped: their step failed before.</summary>
    /// <exception cref="ClusterException"><see cref="ClusterFault.Protocol"/>: they are malformed, not the rows that left, or back at the wrong stage.</exception>
    public void Accept(FrameHeader header, ReadOnlySpan<byte> payload)
    {
        lock (_gate)
        {
            if (!_waiting || header.Epoch != _epoch || header.Batch != _batchNumber)
            {
                return;
            }

            if (header.Stage != _returnStage)
            {
                throw new ClusterException(ClusterFault.Protocol, $"Batch {header.Batch} came back for stage {header.Stage}; it is due at stage {_returnStage}.");
            }

            Span<SequenceRows> returned = _returned.AsSpan(0, _batch.Length);
            ActivationStatus status = ActivationPayload.TryRead(header, payload, _encoding, _hiddenSize, returned, _hidden.Span);
            if (status != ActivationStatus.Complete || header.Sequences != _batch.Length || !_batch.Span.SequenceEqual(returned))
            {
                throw new ClusterException(ClusterFault.Protocol, $"Batch {header.Batch} came back changed ({status}).");
            }

            End();
            _source.SetResult(true);
        }
    }

    /// <summary>Lets waits begin.</summary>
    public void Open()
    {
        lock (_gate)
        {
            _shut = null;
        }
    }

    /// <summary>Fails the wait, if one is on, and every later one until <see cref="Open"/>.</summary>
    public void Shut(Exception cause)
    {
        lock (_gate)
        {
            _shut = cause;
            Fail(cause);
        }
    }

    /// <summary>Fails the wait, if one is on.</summary>
    public void Fail(Exception cause)
    {
        lock (_gate)
        {
            if (_waiting)
            {
                End();
                _source.SetException(cause);
            }
        }
    }

    /// <summary>Fails the wait for one batch, if it is the one away.</summary>
    public void Fail(ulong epoch, ulong batchNumber, Exception cause)
    {
        lock (_gate)
        {
            if (epoch == _epoch && batchNumber == _batchNumber)
            {
                Fail(cause);
            }
        }
    }

    public void GetResult(short token) => _source.GetResult(token);

    public ValueTaskSourceStatus GetStatus(short token) => _source.GetStatus(token);

    public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _source.OnCompleted(continuation, state, token, flags);

    public void Dispose()
    {
        Shut(new EngineException(EngineFault.Stopping, "The gateway is stopping."));
        _timer.Dispose();
    }

    private void End()
    {
        _waiting = false;
        _hidden = default;
        _batch = default;
        _timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    private void OnTimeout() =>
        Fail(new EngineException(EngineFault.PathBroken, $"No node answered a step within {_timeout.TotalSeconds:0.#} s; a worker on the route is stopped, overloaded or cut off."));
}
