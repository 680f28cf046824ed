using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using NativeSplit.Transport.Frames;
using NativeSplit.Transport.Pipes;
using NativeSplit.Transport.Sealing;

namespace NativeSplit.Transport.Links;

/// <summary>How a receive ended.</summary>
public enum ReceiveStatus
{
    /// <summary>A frame is there: see <see cref="SealedLink.Type"/>, <see cref="SealedLink.Header"/>, <see cref="SealedLink.Payload"/>.</summary>
    Frame,

    /// <summary>The peer said it is done. Nothing more comes.</summary>
    Closed,
}

/// <summary>An encrypted, mutually authenticated, ordered way of frames to one peer, both directions.</summary>
/// <remarks>
/// Sending is safe from any thread; frames of concurrent senders don't interleave. Receiving is for one reader at a time.
/// In steady state neither allocates. After a <see cref="LinkException"/> the link is dead: dispose it.
/// </remarks>
public sealed class SealedLink : IAsyncDisposable, IControlHandler
{
    private readonly Connection _data;
    private readonly ControlConnection _control;
    private readonly TimeSpan _closeTimeout;
    private readonly LinkState _state;
    private readonly FrameSender _sender;
    private readonly FrameReceiver _receiver;
    private readonly BulkWindow _bulkWindow;
    private readonly ProbeExchange _probes;
    private readonly KeyRenewal _renewal;
    private readonly PeerWatch _watch;
    private readonly CancellationTokenSource _lifetime = new();
    private readonly Lock _disposalLock = new();
    private int _receiving;
    private bool _peerDone;
    private Task? _disposal;

    /// <summary>Takes over the connections of a finished handshake.</summary>
    /// <param name="peer">Verified identity of the peer.</param>
    /// <param name="suite">Suite of the frames.</param>
    /// <param name="data">Data connection; owned from here.</param>
    /// <param name="control">Control connection; owned from here.</param>
    /// <param name="sealer">Seals what is sent; owned from here.</param>
    /// <param name="opener">Opens what is received; owned from here.</param>
    /// <param name="sendingChain">Later keys of what is sent; owned from here.</param>
    /// <param name="receivingChain">Later keys of what is received; owned from here.</param>
    /// <param name="options">Times, and the clock.</param>
    internal SealedLink(
        string peer,
        CipherSuites suite,
        Connection data,
        ControlConnection control,
        FrameSealer sealer,
        FrameOpener opener,
        KeyChain sendingChain,
        KeyChain receivingChain,
        LinkOptions options)
    {
        _data = data;
        _control = control;
        _closeTimeout = options.CloseTimeout;
        Suite = suite;
        MaxPayloadBytes = opener.MaxPayloadBytes;
        RemoteEndPoint = data.RemoteEndPoint switch
        {
            IPEndPoint { Address.IsIPv4MappedToIPv6: true } mapped => new IPEndPoint(mapped.Address.MapToIPv4(), mapped.Port),
            EndPoint other => other,
        };
        _state = new LinkState(peer, Cut);
        _sender = new FrameSender(data, sealer, _state, MaxPayloadBytes);
        _receiver = new FrameReceiver(data, opener, _state, options.ReceiveSpin);
        _bulkWindow = new BulkWindow(options.BulkWindowBytes, _sender);
        _probes = new ProbeExchange(_sender, _state);
        _renewal = new KeyRenewal(sendingChain, receivingChain, sealer, opener, control, options);
        _watch = new PeerWatch(_state, _sender, _receiver, control, options);
        control.Start(this);
    }

    /// <summary>Identity of the peer: the URI name of its certificate, verified.</summary>
    public string Peer => _state.Peer;

    /// <summary>The certificate that proved <see cref="Peer"/>, DER, verified when the link was opened: what else it says is as good as the name.</summary>
    public ReadOnlyMemory<byte> PeerCertificate { get; internal set; }

    /// <summary>Address of the peer's end of the data connection.</summary>
    public EndPoint RemoteEndPoint { get; }

    /// <summary>The suite that seals the frames: the best that both ends offered.</summary>
    public CipherSuites Suite { get; }

    /// <summary>Longest payload both ends agreed on.</summary>
    public int MaxPayloadBytes { get; }

    /// <summary>Longest payload of a bulk frame: <see cref="LinkOptions.BulkPayloadCeiling"/>, or what both ends agreed on if that is less.</summary>
    public int MaxBulkPayloadBytes => Math.Min(MaxPayloadBytes, LinkOptions.BulkPayloadCeiling);

    /// <summary>Counts so far.</summary>
    public LinkStatistics Statistics => new(_sender.Frames, _sender.Bytes, _receiver.Frames, _receiver.Bytes);

    /// <summary>Messages received on the control connection.</summary>
    internal long ControlMessagesReceived => _control.Received;

    /// <summary>Type of the frame received last.</summary>
    public FrameType Type => _receiver.Type;

    /// <summary>Inner header of the frame received last.</summary>
    public FrameHeader Header => _receiver.Header;

    /// <summary>
    /// Payload of the frame received last, decrypted in place; lent and writable until the next receive. Its first byte is 64-byte
    /// aligned and pinned.
    /// </summary>
    public Memory<byte> Payload => _receiver.Payload;

    /// <summary>Why the peer closed, once a receive returned <see cref="ReceiveStatus.Closed"/>; null when it was simply done.</summary>
    public LinkFault? PeerFault { get; private set; }

    /// <summary>Sends a frame; completes when it is handed to the socket (back-pressure).</summary>
    /// <param name="type"><see cref="FrameType.Activations"/> or <see cref="FrameType.Control"/>.</param>
    /// <param name="header">Inner header.</param>
    /// <param name="writer">Writes at most <see cref="MaxPayloadBytes"/> bytes; called once, while the link is locked for other senders.</param>
    /// <param name="cancellationToken">
    /// Observed until the frame is sealed and again after it was sent: a cancelled send leaves either nothing or a whole frame on the
    /// wire, and the link whole.
    /// </param>
    /// <exception cref="ArgumentException">A type that belongs to the transport, or a payload longer than agreed.</exception>
    /// <exception cref="LinkException">The link is dead.</exception>
    public ValueTask SendAsync<TWriter>(FrameType type, FrameHeader header, TWriter writer, CancellationToken cancellationToken)
        where TWriter : struct, IPayloadWriter
    {
        if (type is not (FrameType.Activations or FrameType.Control))
        {
            throw new ArgumentException($"Frames of type {type} are sent by the transport itself.", nameof(type));
        }

        return _sender.SendAsync(type, header, writer, cancellationToken);
    }

    /// <summary>Sends a frame with a copied payload.</summary>
    /// <inheritdoc cref="SendAsync{TWriter}"/>
    public ValueTask SendAsync(FrameType type, FrameHeader header, ReadOnlyMemory<byte> payload, CancellationToken cancellationToken) =>
        SendAsync(type, header, new CopyWriter(payload), cancellationToken);

    /// <summary>
    /// Sends a frame of something large behind all other frames: it waits until no other sender wants the link and the peer's credit
    /// covers it (<see cref="LinkOptions.BulkWindowBytes"/>), and holds nothing meanwhile. Bulk frames keep their order among each other. Credit comes in
    /// a frame, so this end must be receiving too: don't await a bulk send in the loop that receives.
    /// The peer receives it as <see cref="FrameType.Bulk"/>, and gives new credit by receiving on, or later (<see cref="HoldBulkCredit"/>).
    /// </summary>
    /// <param name="header">Inner header.</param>
    /// <param name="writer">Writes at most <see cref="MaxBulkPayloadBytes"/> bytes. Its length is read first; it writes once, while the link is locked for other senders.</param>
    /// <param name="cancellationToken">As in <see cref="SendAsync{TWriter}"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">A payload longer than that.</exception>
    /// <exception cref="LinkException">The link is dead.</exception>
    public ValueTask SendBulkAsync<TWriter>(FrameHeader header, TWriter writer, CancellationToken cancellationToken)
        where TWriter : struct, IPayloadWriter => _sender.SendAsync(FrameType.Bulk, header, writer, cancellationToken);

    /// <summary>Sends a bulk frame with a copied payload.</summary>
    /// <inheritdoc cref="SendBulkAsync{TWriter}"/>
    public ValueTask SendBulkAsync(FrameHeader header, ReadOnlyMemory<byte> payload, CancellationToken cancellationToken) =>
        SendBulkAsync(header, new CopyWriter(payload), cancellationToken);

    /// <summary>
    /// Keeps back the credit of the bulk frame received last, for an owner that hands it on and receives other frames meanwhile: the next receive
    /// doesn't give it, <see cref="ReturnBulkCredit"/> does. So a slow disk slows the peer's bulk frames and nothing else. Call before the next receive.
    /// </summary>
    /// <returns>What to return, once; 0 when there is nothing to keep back.</returns>
    public int HoldBulkCredit() => _bulkWindow.Hold();

    /// <summary>Gives credit that was kept back. Safe from any thread; never waits. On a dead link it does nothing.</summary>
    /// <param name="held">What <see cref="HoldBulkCredit"/> returned, or the sum of several.</param>
    /// <exception cref="ArgumentOutOfRangeException">More than is kept back.</exception>
    public void ReturnBulkCredit(int held) => _bulkWindow.Return(held);

    /// <summary>Waits for the next activation, control or bulk frame; probes are answered on the way.</summary>
    /// <param name="cancellationToken">Ends the wait; no byte is lost, the next receive goes on.</param>
    /// <exception cref="InvalidOperationException">Another receive is under way.</exception>
    /// <exception cref="LinkException">The link is dead: broken seal, grammar, a peer that vanished, or disposed here.</exception>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<ReceiveStatus> ReceiveAsync(CancellationToken cancellationToken)
    {
        if (Interlocked.CompareExchange(ref _receiving, 1, 0) != 0)
        {
            throw new InvalidOperationException($"Another receive is under way on the link to {Peer}.");
        }

        try
        {
            while (!_peerDone)
            {
                _bulkWindow.Consume();
                await _receiver.ReceiveAsync(cancellationToken).ConfigureAwait(false);
                if (_receiver.Type is FrameType.Activations or FrameType.Control)
                {
                    return ReceiveStatus.Frame;
                }

                if (_receiver.Type == FrameType.Bulk)
                {
                    return _bulkWindow.TryTake(FrameLayout.FrameBytes(_receiver.Payload.Length))
                        ? ReceiveStatus.Frame
                        : throw _state.End(LinkFault.Malformed, $"{Peer} sent more bulk frames than it had credit for. Open a new link.");
                }

                HandleOwnFrame();
            }

            _state.ThrowIfEnded();
            return ReceiveStatus.Closed;
        }
        finally
        {
            Volatile.Write(ref _receiving, 0);
        }
    }

    /// <summary>
    /// Tells the link that a step is away whose rows come back over it, or depend on the peer, though this end sent the peer none. While any is, a
    /// silent peer counts as dead after <see cref="LinkOptions.PeerTimeout"/>, as when activations were sent. Calls are counted: each true
    /// needs its false. Never fails, whatever the link's state; safe from any thread.
    /// </summary>
    /// <param name="expected">True when the step leaves, false when it is back or given up.</param>
    public void ExpectRows(bool expected) => _watch.ExpectRows(expected);

    /// <summary>Round trip of a probe, from its sealing to the receipt of its echo. Both ends must be receiving.</summary>
    /// <param name="cancellationToken">Ends the wait; there is no other time-out.</param>
    /// <exception cref="LinkException">The link is dead, or the peer closed it before it answered.</exception>
    public ValueTask<TimeSpan> ProbeAsync(CancellationToken cancellationToken) => ProbeAsync(0, cancellationToken);

    /// <summary>Round trip of a probe with padding, whose echo has none: against that of an empty one it tells the rate towards the peer.</summary>
    /// <param name="padding">Bytes of padding; from 0 to <see cref="MaxPayloadBytes"/> less 8.</param>
    /// <param name="cancellationToken">Ends the wait; there is no other time-out.</param>
    /// <exception cref="LinkException">The link is dead, or the peer closed it before it answered.</exception>
    public ValueTask<TimeSpan> ProbeAsync(int padding, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(padding);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(padding, MaxPayloadBytes - ProbeWriter.Bytes);
        return _probes.MeasureAsync(padding, cancellationToken);
    }

    /// <summary>
    /// Says goodbye to the peer, if it still listens, and closes. A receive under way ends with a <see cref="LinkException"/>
    /// (<see cref="LinkFault.Closed"/>). Takes bounded time; may be called more than once.
    /// </summary>
    public ValueTask DisposeAsync()
    {
        lock (_disposalLock)
        {
            return new ValueTask(_disposal ??= DisposeCoreAsync());
        }
    }

    /// <inheritdoc/>
    bool IControlHandler.OnControl(ControlKind kind, ulong number, ReadOnlySpan<byte> secret)
    {
        switch (kind)
        {
            case ControlKind.KeyOffer:
                return _renewal.OnOffer(number, secret);
            case ControlKind.KeyAnswer:
                return OnKeyAnswer(number, secret);
            case ControlKind.Ping:
                _control.Post(ControlKind.Pong, number, []);
                return true;
            default:
                // Any message is a sign of life; which ping a pong answers doesn't matter.
                return true;
        }
    }

    private bool OnKeyAnswer(ulong number, ReadOnlySpan<byte> secret)
    {
        bool isExpected = _renewal.OnAnswer(number, secret);
        _sender.SendHeldBack();
        return isExpected;
    }

    private void HandleOwnFrame()
    {
        ReadOnlySpan<byte> payload = _receiver.Payload.Span;
        switch (_receiver.Type)
        {
            case FrameType.Probe when ProbeWriter.TryParseProbe(payload, out ulong number):
                _sender.Reply(number);
                break;
            case FrameType.ProbeReply when ProbeWriter.TryParseReply(payload, out ulong number):
                _probes.Complete(number, Stopwatch.GetTimestamp());
                break;
            case FrameType.Credit when CreditWriter.TryParse(payload, out ulong total) && _sender.TryTakeCredit(total):
                break;
            case FrameType.Close when CloseWriter.TryParse(payload, out ushort reason) && (reason == 0 || Enum.IsDefined((LinkFault)reason)):
                PeerFault = reason == 0 ? null : (LinkFault)reason;
                _peerDone = true;
                PeerLeaves();
                _probes.Abandon();
                break;
            default:
                throw _state.End(LinkFault.Malformed, $"{Peer} sent a {_receiver.Type} frame with a payload that it can't have now. Open a new link.");
        }
    }

    // The end of the control connection means that the peer ends: frames already on their way, the
    // goodbye among them, get the time of a goodbye to arrive; then the data connection ends too.
    void IControlHandler.OnControlEnded(bool malformed)
    {
        if (malformed)
        {
            _state.End(LinkFault.Malformed, $"{Peer} broke the grammar on the control connection. Run the same release at both ends.");
            return;
        }

        PeerLeaves();
        _ = EndAfterGraceAsync();
    }

    private void PeerLeaves()
    {
        _state.PeerLeaves();
        _sender.EndCredit();
    }

    private async Task EndAfterGraceAsync()
    {
        try
        {
            await Task.Delay(_closeTimeout, _lifetime.Token).ConfigureAwait(false);
            _probes.Abandon();
            _data.Shutdown(SocketShutdown.Both);
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // Disposed meanwhile, or the data connection has ended by itself.
        }
    }

    // Runs once, when the link ends for whatever reason: wakes whoever waits on a socket. The peer is told nothing.
    private void Cut()
    {
        _data.Dispose();
        _control.Abort();
        _watch?.Dispose();
        _probes.Abandon();
        _sender.EndCredit();
    }

    private async Task DisposeCoreAsync()
    {
        await Task.Yield();
        using (var bound = new CancellationTokenSource(_closeTimeout))
        {
            if (!_state.HasEnded)
            {
                ushort reason = _sender.KeysExhausted ? (ushort)LinkFault.KeysExhausted : (ushort)0;
                await _sender.SendCloseAsync(reason, bound.Token).ConfigureAwait(false);
                FinishData();
            }
        }

        _state.End(LinkFault.Closed, $"This end has closed the link to {Peer}.");
        await _lifetime.CancelAsync().ConfigureAwait(false);
        _watch.Dispose();
        _renewal.Dispose();
        await _control.DisposeAsync().ConfigureAwait(false);
        await _sender.CloseAsync(_closeTimeout).ConfigureAwait(false);
        await DisposeReceiverAsync().ConfigureAwait(false);
        _lifetime.Dispose();
    }

    // Ends our direction and takes in what the peer had sent: closing with unread bytes would reset the connection under the goodbye.
    private void FinishData()
    {
        try
        {
            _data.Shutdown(SocketShutdown.Send);
            if (Interlocked.CompareExchange(ref _receiving, 1, 0) == 0)
            {
                _data.DiscardReceived();
                Volatile.Write(ref _receiving, 0);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The peer is gone before us.
        }
    }

    // The sockets are closed, so a receive under way ends at once; its caller may still hold the payload, which stays valid memory.
    private async Task DisposeReceiverAsync()
    {
        while (Interlocked.CompareExchange(ref _receiving, 1, 0) != 0)
        {
            await Task.Yield();
        }

        _receiver.Dispose();
        Volatile.Write(ref _receiving, 0);
    }
}
