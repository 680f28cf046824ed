using System.Net;
using System.Security.Cryptography.X509Certificates;
using NativeSplit.Cluster.Activations;
using NativeSplit.Cluster.Identity;
using NativeSplit.Cluster.Messages;
using NativeSplit.Engine.Execution;
using NativeSplit.Transport.Frames;
using NativeSplit.Transport.Links;

namespace NativeSplit.Cluster.Links;

/// <summary>What a node does with what comes from a peer. Called from the connection's receive loop, one call at a time.</summary>
public interface IPeerHandler
{
    /// <summary>Rows came. The payload is lent until the task ends; while it runs, nothing more is received from this peer.</summary>
    ValueTask OnActivationsAsync(PeerConnection from, FrameHeader header, ReadOnlyMemory<byte> payload);

    /// <summary>A part of something large came. The payload is lent until the task ends; while it runs, nothing more is received from this peer.</summary>
    /// <exception cref="ClusterException">The peer may not send this; the connection is dropped.</exception>
    ValueTask OnBulkAsync(PeerConnection from, FrameHeader header, ReadOnlyMemory<byte> payload);

    /// <summary>A message came.</summary>
    /// <exception cref="ClusterException">The peer may not say this; the connection is dropped.</exception>
    ValueTask OnControlAsync(PeerConnection from, ControlMessage message);
}

/// <summary>A sealed link to a known node with its receive loop. Owns the link.</summary>
/// <remarks>A send that the peer doesn't take within the time-out, or that the link's keys refuse, ends the connection: nothing waits for a stopped peer for ever.</remarks>
public sealed class PeerConnection : IAsyncDisposable
{
    private readonly SealedLink _link;
    private readonly CancellationTokenSource _stop = new();
    private readonly TimeSpan _sendTimeout;
    private readonly TimeProvider _time;
    private readonly Task<ClusterException> _loop;
    private ClusterException? _dropped;
    private int _disposed;

    /// <summary>Starts to receive.</summary>
    /// <param name="link">The link; owned from here on.</param>
    /// <param name="peer">Verified identity of the other side.</param>
    /// <param name="handler">Takes what comes.</param>
    /// <param name="sendTimeout">Time for the peer to take a frame before it counts as lost.</param>
    /// <param name="time">Clock of that time.</param>
    public PeerConnection(SealedLink link, NodeIdentity peer, IPeerHandler handler, TimeSpan sendTimeout, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(link);
        ArgumentNullException.ThrowIfNull(peer);
        ArgumentNullException.ThrowIfNull(handler);
        _link = link;
        Peer = peer;
        using X509Certificate2 certificate = X509CertificateLoader.LoadCertificate(link.PeerCertificate.Span);
        CertificateSerial = certificate.SerialNumber;
        _sendTimeout = sendTimeout;
        _time = time;
        _loop = Task.Run(() => ReceiveAsync(handler));
    }

    /// <summary>Who is on the other side.</summary>
    public NodeIdentity Peer { get; }

    /// <summary>Serial number, hexadecimal, of the certificate that the other side proved itself with.</summary>
    public string CertificateSerial { get; }

    /// <summary>Address of the other side.</summary>
    public EndPoint RemoteEndPoint => _link.RemoteEndPoint;

    /// <summary>Counts of the link.</summary>
    public LinkStatistics Statistics => _link.Statistics;

    /// <summary>Ends, with the reason, when nothing more will come. Never faults.</summary>
    public Task<ClusterException> Ended => _loop;

    /// <summary>Gives the peer up without waiting for it: sends under way fail, and <see cref="Ended"/> tells the reason.</summary>
    public void Drop(string reason)
    {
        Interlocked.CompareExchange(ref _dropped, new ClusterException(ClusterFault.NodeLost, reason), null);

        // Takes bounded time, and who disposes this connection waits for it.
        _ = _link.DisposeAsync().AsTask();
    }

    /// <summary>Sends a message.</summary>
    /// <exception cref="LinkException">The link is dead, or the peer took nothing in time and was dropped.</exception>
    public ValueTask SendAsync(ControlMessage message, CancellationToken cancellationToken) =>
        BoundAsync(_link.SendAsync(FrameType.Control, default, ControlCodec.Encode(message), cancellationToken));

    /// <summary>Sends rows to a stage. Allocates nothing while the socket takes them at once.</summary>
    /// <param name="epoch">Epoch of the plan.</param>
    /// <param name="batchNumber">Number of the batch.</param>
    /// <param name="stage">Stage the rows are for.</param>
    /// <param name="batch">Sequences.</param>
    /// <param name="hidden">Shape [rows, hidden].</param>
    /// <param name="hiddenSize">Width of a row.</param>
    /// <param name="encoding">How to write the rows.</param>
    /// <param name="cancellationToken">Ends the wait for the link.</param>
    /// <exception cref="LinkException">The link is dead, or the peer took nothing in time and was dropped.</exception>
    public ValueTask SendRowsAsync(ulong epoch, ulong batchNumber, ushort stage, ReadOnlyMemory<SequenceRows> batch, ReadOnlyMemory<float> hidden, int hiddenSize, RowEncoding encoding, CancellationToken cancellationToken)
    {
        var header = new FrameHeader(epoch, batchNumber, stage, (byte)encoding, (uint)batch.Length, (uint)(hidden.Length / hiddenSize));
        return BoundAsync(_link.SendAsync(FrameType.Activations, header, new ActivationWriter(batch, hidden, hiddenSize, encoding), cancellationToken));
    }

    /// <summary>Sends a part of something large, behind whatever else the link carries. Not to be awaited in a handler of this connection: credit comes through it.</summary>
    /// <exception cref="LinkException">The link is dead.</exception>
    public ValueTask SendBulkAsync<TWriter>(FrameHeader header, TWriter writer, CancellationToken cancellationToken)
        where TWriter : struct, IPayloadWriter => _link.SendBulkAsync(header, writer, cancellationToken);

    /// <summary>Round trip of a probe that carries padding for nothing.</summary>
    /// <param name="padding">Bytes of padding; no more than the link allows are sent.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="ClusterException"><see cref="ClusterFault.NodeLost"/>: the link is dead.</exception>
    public async ValueTask<TimeSpan> ProbeAsync(int padding, CancellationToken cancellationToken)
    {
        try
        {
            return await _link.ProbeAsync(Math.Min(padding, _link.MaxPayloadBytes - sizeof(ulong)), cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is LinkException or ObjectDisposedException)
        {
            throw new ClusterException(ClusterFault.NodeLost, $"{Peer.Node} can't be probed: {e.Message}", e);
        }
    }

    /// <summary>Tells the link that a step is away in which the peer has a part, or no longer: it then notices soon that the peer has died.</summary>
    /// <param name="expected">True when the step leaves, false when it is back or has failed. Counted.</param>
    public void ExpectRows(bool expected) => _link.ExpectRows(expected);

    /// <summary>Closes the link and waits for the receive loop.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            await _stop.CancelAsync().ConfigureAwait(false);
            await _link.DisposeAsync().ConfigureAwait(false);
            await _loop.ConfigureAwait(false);
            _stop.Dispose();
        }
    }

    private async Task<ClusterException> ReceiveAsync(IPeerHandler handler)
    {
        try
        {
            while (await _link.ReceiveAsync(_stop.Token).ConfigureAwait(false) == ReceiveStatus.Frame)
            {
                if (_link.Type == FrameType.Activations)
                {
                    await handler.OnActivationsAsync(this, _link.Header, _link.Payload).ConfigureAwait(false);
                }
                else if (_link.Type == FrameType.Bulk)
                {
                    await handler.OnBulkAsync(this, _link.Header, _link.Payload).ConfigureAwait(false);
                }
                else
                {
                    await handler.OnControlAsync(this, ControlCodec.Decode(_link.Payload.Span)).ConfigureAwait(false);
                }
            }

            return new ClusterException(ClusterFault.NodeLost, $"{Peer.Node} left.");
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            return new ClusterException(ClusterFault.NodeLost, $"The link to {Peer.Node} was closed here.");
        }
        catch (Exception e) when (e is LinkException or ObjectDisposedException)
        {
            return Volatile.Read(ref _dropped) ?? new ClusterException(ClusterFault.NodeLost, $"The link to {Peer.Node} broke: {e.Message}", e);
        }
        catch (Exception e)
        {
            // A peer that breaks the rules, or a message that a handler failed on: nothing more is taken from it, and whoever waits for the end is told.
            await _link.DisposeAsync().ConfigureAwait(false);
            ClusterFault fault = (e as ClusterException)?.Fault ?? ClusterFault.Protocol;
            return new ClusterException(fault, $"The link to {Peer.Node} was dropped: {e.Message}", e);
        }
    }

    private ValueTask BoundAsync(ValueTask send)
    {
        if (!send.IsCompletedSuccessfully)
        {
            return new ValueTask(WaitAsync(send.AsTask()));
        }

        send.GetAwaiter().GetResult();
        return default;
    }

    private async Task WaitAsync(Task sending)
    {
        try
        {
            await sending.WaitAsync(_sendTimeout, _time, CancellationToken.None).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            // A frame that has been sealed can't be taken back; closing the link ends its send, and with it the use of the caller's rows.
            string reason = $"{Peer.Node} took no frame for {_sendTimeout.TotalSeconds:0.#} s; it is stopped, overloaded or cut off.";
            Drop(reason);
            await sending.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            throw new LinkException(LinkFault.TimedOut, reason);
        }
        catch (LinkException e) when (e.Fault == LinkFault.KeysExhausted)
        {
            Drop(e.Message);
            throw;
        }
    }
}
