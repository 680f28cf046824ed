using Microsoft.Extensions.Logging;
using NativeSplit.Cluster.Identity;
using NativeSplit.Cluster.Links;
using NativeSplit.Cluster.Messages;
using NativeSplit.Cluster.Migration;
using NativeSplit.Cluster.Stages;
using NativeSplit.Engine;
using NativeSplit.Engine.Execution;
using NativeSplit.Model;
using NativeSplit.Transport.Frames;
using NativeSplit.Transport.Links;

namespace NativeSplit.Worker;

/// <summary>A stage of the plan at work here: the runner, and where its results go.</summary>
internal sealed class AssignedStage : IStageOutput, IAsyncDisposable
{
    private readonly AssignStage _assignment;
    private readonly PeerConnection _gateway;
    private readonly NextHopLink? _next;
    private readonly StageRunner _runner;
    private readonly int _hiddenSize;
    private readonly ILogger _log;
    private long _bytesToGateway;
    private bool _isRunning;
    private bool _isUnsupportedTold;

    public AssignedStage(AssignStage assignment, ILayerExecutor executor, long weightBytes, PeerConnection gateway, NextHopLink? next, ILogger log)
    {
        _assignment = assignment;
        _gateway = gateway;
        _next = next;
        _log = log;
        WeightBytes = weightBytes;
        _hiddenSize = executor.Shape.HiddenSize;
        _runner = new StageRunner(assignment, executor, this);
        Inbox = new KvInbox(executor.Range, _runner.InvokeAsync, TellArrivedAsync);
    }

    /// <summary>Bytes of weights that it holds.</summary>
    public long WeightBytes { get; }

    /// <summary>SPIFFE name of the node that rows come from.</summary>
    public string Previous => _assignment.Previous;

    public StageRunner Runner => _runner;

    /// <summary>Takes KV pages in before the plan is in force.</summary>
    public KvInbox Inbox { get; }

    /// <summary>Whether rows have come: KV pages that come later are left over from a move that was given up.</summary>
    public bool IsRunning => Volatile.Read(ref _isRunning);

    /// <summary>Whether a peer may send KV pages: the gateway, and those that the assignment names.</summary>
    public bool TakesKvFrom(NodeIdentity peer) => peer.Role == NodeRole.Gateway || _assignment.KvSources.Contains(peer.Uri);

    /// <summary>Tells the gateway, once, that KV pages can't be taken in here.</summary>
    public void TellUnsupported(SequenceId sequence, string reason)
    {
        if (!Interlocked.Exchange(ref _isUnsupportedTold, true))
        {
            Tell(new KvFailed { Epoch = _assignment.Epoch, Stage = _assignment.Stage, Sequence = sequence.Value, LayerStart = _assignment.LayerStart, IsUnsupported = true, Reason = reason });
        }
    }

    /// <summary>Queues rows; from now on no KV pages are taken.</summary>
    public ValueTask EnqueueAsync(FrameHeader header, ReadOnlyMemory<byte> payload)
    {
        Volatile.Write(ref _isRunning, true);
        return _runner.EnqueueAsync(header, payload);
    }

    /// <summary>Gives a sequence's KV room back.</summary>
    public void Free(SequenceId sequence)
    {
        _runner.Free(sequence);
        _ = _runner.InvokeAsync(_ => Inbox.Forget(sequence));
    }

    public StageReport Report() => _runner.Report(_next?.BytesSent ?? Interlocked.Read(ref _bytesToGateway));

    public async ValueTask ForwardAsync(ulong batchNumber, ReadOnlyMemory<SequenceRows> batch, ReadOnlyMemory<float> hidden)
    {
        try
        {
            PeerConnection target = _next is null ? _gateway : await _next.ConnectAsync(CancellationToken.None).ConfigureAwait(false);
            await target.SendRowsAsync(_assignment.Epoch, batchNumber, (ushort)(_assignment.Stage + 1), batch, hidden, _hiddenSize, (RowEncoding)_assignment.Encoding, CancellationToken.None).ConfigureAwait(false);
            if (_next is null)
            {
                Interlocked.Add(ref _bytesToGateway, Cluster.Activations.ActivationPayload.LengthOf(batch.Length, hidden.Length / _hiddenSize, _hiddenSize, (RowEncoding)_assignment.Encoding));
            }
        }
        catch (Exception e)
        {
            Failed(batchNumber, $"The next hop can't be reached: {e.Message}");
        }
    }

    public void Reserved(SequenceId sequence, bool granted) =>
        Tell(new SequenceReserved { Epoch = _assignment.Epoch, Stage = _assignment.Stage, Sequence = sequence.Value, Granted = granted });

    public void Failed(ulong batchNumber, string reason)
    {
        _log.LogWarning("Batch {Batch} failed: {Reason}", batchNumber, reason);
        Tell(new StepFailed { Epoch = _assignment.Epoch, Stage = _assignment.Stage, Batch = batchNumber, Reason = reason });
    }

    public async ValueTask DisposeAsync()
    {
        // The stage's thread may wait for a next hop that takes nothing: only closing that link ends the wait.
        Task stopping = _runner.DisposeAsync().AsTask();
        if (_next is not null)
        {
            await _next.DisposeAsync().ConfigureAwait(false);
        }

        await stopping.ConfigureAwait(false);
    }

    private async ValueTask TellArrivedAsync(KvTarget target, LayerRange layers, int length)
    {
        var message = new KvArrived { Epoch = _assignment.Epoch, Stage = _assignment.Stage, Sequence = target.Sequence.Value, LayerStart = layers.Start, Length = length };
        try
        {
            await _gateway.SendAsync(message, CancellationToken.None).ConfigureAwait(false);
        }
        catch (Exception e) when (e is LinkException or ObjectDisposedException)
        {
            _log.LogDebug("{Message} doesn't reach the gateway: {Reason}", nameof(KvArrived), e.Message);
        }
    }

    private void Tell(ControlMessage message)
    {
        try
        {
            _gateway.SendAsync(message, CancellationToken.None).AsTask().GetAwaiter().GetResult();
        }
        catch (Exception e)
        {
            _log.LogDebug("{Message} doesn't reach the gateway: {Reason}", message.GetType().Name, e.Message);
        }
    }
}
