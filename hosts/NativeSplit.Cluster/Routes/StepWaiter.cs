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
internal sealed class StepWaiter : IValueTaskSource<int>, IDisposable
{
    private readonly Lock _gate = new();
    private readonly SequenceRows[] _returned;
    private readonly RowEncoding _encoding;
    private readonly int _hiddenSize;
    private readonly TimeSpan _timeout;
    private readonly ITimer _timer;
    private ManualResetValueTaskSourceCore<int> _source = new() { RunContinuationsAsynchronously = true };
    private Memory<float> _hidden;
    private ReadOnlyMemory<SequenceRows> _batch;
    private ulong _epoch;
    private ulong _batchNumber;
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

    /// <summary>Begins to wait; call before the rows leave. The task gives the stage that the returned rows are for.</summary>
    public ValueTask<int> Begin(ulong epoch, ulong batchNumber, ReadOnlyMemory<SequenceRows> batch, Memory<float> hidden)
    {
        lock (_gate)
        {
            _source.Reset();
            if (_shut is not null)
            {
                _source.SetException(_shut);
                return new ValueTask<int>(this, _source.Version);
            }

            _epoch = epoch;
            _batchNumber = batchNumber;
            _batch = batch;
            _hidden = hidden;
            _waiting = true;
            _timer.Change(_timeout, Timeout.InfiniteTimeSpan);
            return new ValueTask<int>(this, _source.Version);
        }
    }

    /// <summary>Takes rows that came back. Rows of a batch nobody waits for are dropped: their step failed before.</summary>
    /// <exception cref="ClusterException"><see cref="ClusterFault.Protocol"/>: they are malformed or not the rows that left.</exception>
    public void Accept(FrameHeader header, ReadOnlySpan<byte> payload)
    {
        lock (_gate)
        {
            if (!_waiting || header.Epoch != _epoch || header.Batch != _batchNumber)
            {
                return;
            }

            Span<SequenceRows> returned = _returned.AsSpan(0, _batch.Length);
            ActivationStatus status = ActivationPayload.TryRead(header, payload, _encoding, _hiddenSize, returned, _hidden.Span);
            if (status != ActivationStatus.Complete || header.Sequences != _batch.Length || !_batch.Span.SequenceEqual(returned))
            {
                throw new ClusterException(ClusterFault.Protocol, $"Batch {header.Batch} came back changed ({status}).");
            }

            End();
            _source.SetResult(header.Stage);
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

    public int GetResult(short token) => _source.GetResult(token);

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
