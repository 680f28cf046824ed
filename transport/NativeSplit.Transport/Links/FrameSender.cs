using System.Diagnostics.CodeAnalysis;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using NativeSplit.Transport.Frames;
using NativeSplit.Transport.Pipes;
using NativeSplit.Transport.Sealing;

namespace NativeSplit.Transport.Links;

/// <summary>Sending half of a link: one frame at a time, sealed in the buffer that the socket sends from.</summary>
/// <remarks>
/// Nothing here allocates in steady state, whether senders have to wait or not. Sealing is the commit point: a sealed frame has used its
/// sequence, so it is always sent in full, and only then is the caller's token observed.
/// </remarks>
internal sealed class FrameSender : IDisposable
{
    // Room behind each frame for the transport's own: the reply to a probe, and credit.
    private static readonly int OwnFramesBytes = FrameLayout.FrameBytes(ProbeWriter.Bytes) + FrameLayout.FrameBytes(CreditWriter.Bytes);

    private readonly SendTurns _turns = new();
    private readonly Connection _connection;
    private readonly ConnectionPipeWriter _writer;
    private readonly FrameSealer _sealer;
    private readonly LinkState _state;
    private readonly int _maxPayloadBytes;
    private readonly Action _finishOwnFrames;
    private ValueTaskAwaiter _ownFlush;
    private ulong _replyNumber;
    private int _replyWanted;
    private ulong _creditTotal;
    private ulong _creditSent;
    private int _creditHeldBack;
    private bool _hasSentBulk;
    private long _frames;
    private long _bytes;
    private long _activationFrames;
    private volatile bool _awaitsRows;

    /// <summary>Makes the sending half.</summary>
    /// <param name="connection">The data connection; borrowed.</param>
    /// <param name="sealer">Sealer of the direction; owned from here.</param>
    /// <param name="state">State of the link.</param>
    /// <param name="maxPayloadBytes">Longest payload agreed on.</param>
    public FrameSender(Connection connection, FrameSealer sealer, LinkState state, int maxPayloadBytes)
    {
        _connection = connection;
        _writer = new ConnectionPipeWriter(connection, FrameLayout.FrameBytes(maxPayloadBytes) + OwnFramesBytes);
        _sealer = sealer;
        _state = state;
        _maxPayloadBytes = maxPayloadBytes;
        _finishOwnFrames = FinishOwnFrames;
    }

    /// <summary>Frames sent.</summary>
    public long Frames => Volatile.Read(ref _frames);

    /// <summary>Bytes sent.</summary>
    public long Bytes => Volatile.Read(ref _bytes);

    /// <summary>Whether the last frame of the owner held activations: then a step is under way, and a peer that died must be noticed soon.</summary>
    public bool AwaitsRows => _awaitsRows;

    /// <summary>Activation frames sent.</summary>
    public long ActivationFrames => Volatile.Read(ref _activationFrames);

    /// <summary>Whether the keys have refused a frame.</summary>
    public bool KeysExhausted { get; private set; }

    /// <summary>Sends one frame. A bulk frame waits for credit, and for all others.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public async ValueTask SendAsync<TWriter>(FrameType type, FrameHeader header, TWriter writer, CancellationToken cancellationToken)
        where TWriter : struct, IPayloadWriter
    {
        int length = writer.Length;
        bool isBulk = type == FrameType.Bulk;
        ArgumentOutOfRangeException.ThrowIfNegative(length, nameof(writer));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, isBulk ? Math.Min(_maxPayloadBytes, LinkOptions.BulkPayloadCeiling) : _maxPayloadBytes, nameof(writer));
        await EnterAsync(isBulk, length, cancellationToken).ConfigureAwait(false);
        try
        {
            cancellationToken.ThrowIfCancellationRequested();
            _state.ThrowIfNotSendable();
            Place(type, header, ref writer, length, reserveBytes: OwnFramesBytes);
            if (isBulk)
            {
                SpendCredit(FrameLayout.FrameBytes(length));
            }

            PlaceOwnFrames();
            await FlushAsync(CancellationToken.None).ConfigureAwait(false);
        }
        finally
        {
            _turns.Leave();
            SendOwnFrames();
        }

        cancellationToken.ThrowIfCancellationRequested();
    }

    /// <summary>Answers a probe, without waiting: a receiver that waited for its own sender could stop both ends for ever.</summary>
    /// <param name="number">Number of the probe. An unanswered earlier one is dropped.</param>
    public void Reply(ulong number)
    {
        Volatile.Write(ref _replyNumber, number);
        Volatile.Write(ref _replyWanted, 1);
        SendOwnFrames();
    }

    /// <summary>Gives the peer credit for bulk frames, without waiting, as <see cref="Reply"/>.</summary>
    /// <param name="total">Bytes that it may have sent since the link opened. Of several the highest holds.</param>
    public void GiveCredit(ulong total)
    {
        ulong known = Volatile.Read(ref _creditTotal);
        while (total > known && Interlocked.CompareExchange(ref _creditTotal, total, known) is var seen && seen != known)
        {
            known = seen;
        }

        SendOwnFrames();
    }

    /// <summary>A new key is ready: sends what the old one was too worn for.</summary>
    public void SendHeldBack()
    {
        Volatile.Write(ref _creditHeldBack, 0);
        SendOwnFrames();
    }

    /// <summary>The peer gives credit. False when it may not give so much, or nothing new.</summary>
    /// <param name="total">Bytes that we may have sent since the link opened.</param>
    public bool TryTakeCredit(ulong total) => _turns.TryGrant(total);

    /// <summary>No credit comes any more. Senders that wait for it learn from the link's state why.</summary>
    public void EndCredit() => _turns.EndCredit();

    /// <summary>Sends a close frame if the lock comes free in time. The link ends anyway, so failures are of no interest.</summary>
    /// <param name="reason">Reason on the wire.</param>
    /// <param name="cancellationToken">Bounds the time.</param>
    public async Task SendCloseAsync(ushort reason, CancellationToken cancellationToken)
    {
        try
        {
            await _turns.EnterAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return;
        }

        try
        {
            _state.ThrowIfNotSendable();
            var writer = new CloseWriter(reason);
            Place(FrameType.Close, default, ref writer, CloseWriter.Bytes, reserveBytes: 0);
            await FlushAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is LinkException or OperationCanceledException)
        {
            // The peer is gone or doesn't read: it will see the connection end instead.
        }
        finally
        {
            _turns.Leave();
        }
    }

    /// <summary>
    /// Wipes the keys and frees the buffer, after a bounded wait for a sender that still uses them. The link must have ended, so that
    /// senders that come later are told.
    /// </summary>
    /// <param name="timeout">The bound.</param>
    public async Task CloseAsync(TimeSpan timeout)
    {
        using var bound = new CancellationTokenSource(timeout);
        bool alone = true;
        try
        {
            await _turns.EnterAsync(bound.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            alone = false;
        }

        Dispose();
        if (alone)
        {
            _turns.Leave();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _sealer.Dispose();
        _writer.Complete();
    }

    private void Place<TWriter>(FrameType type, FrameHeader header, ref TWriter writer, int length, int reserveBytes)
        where TWriter : struct, IPayloadWriter
    {
        if (!_sealer.CanSeal(type, length))
        {
            KeysExhausted = true;
            throw new LinkException(
                LinkFault.KeysExhausted, $"The keys of the link to {_state.Peer} have sealed all they may. Dispose the link and open a new one.");
        }

        int frameBytes = FrameLayout.FrameBytes(length);
        Span<byte> frame = _writer.GetSpan(frameBytes + reserveBytes)[..frameBytes];
        writer.Write(frame.Slice(FrameLayout.PrefixBytes, length));
        _sealer.Seal(type, header, length, frame);
        _writer.Advance(frameBytes);
        Volatile.Write(ref _frames, _frames + 1);
        Volatile.Write(ref _bytes, _bytes + frameBytes);
        if (type is FrameType.Activations or FrameType.Control)
        {
            _awaitsRows = type == FrameType.Activations;
            Volatile.Write(ref _activationFrames, _activationFrames + (_awaitsRows ? 1 : 0));
        }
    }

    private ValueTask EnterAsync(bool isBulk, int length, CancellationToken cancellationToken) => isBulk
        ? _turns.EnterBulkAsync(FrameLayout.FrameBytes(length), cancellationToken)
        : _turns.EnterAsync(cancellationToken);

    private void SpendCredit(int frameBytes)
    {
        _turns.Spend(frameBytes);
        if (!_hasSentBulk)
        {
            _hasSentBulk = true;
            _connection.KeepUnsentShort();
        }
    }

    // Called by who has the turn. The transport's own frames travel in the same send as the frame before them.
    private void PlaceOwnFrames()
    {
        if (Interlocked.Exchange(ref _replyWanted, 0) == 1 && _sealer.CanSeal(FrameType.ProbeReply, ProbeWriter.Bytes))
        {
            var writer = new ProbeWriter(Volatile.Read(ref _replyNumber), clock: null);
            Place(FrameType.ProbeReply, default, ref writer, ProbeWriter.Bytes, reserveBytes: 0);
        }

        ulong total = Volatile.Read(ref _creditTotal);
        if (total <= _creditSent)
        {
            return;
        }

        // Credit that worn keys kept back isn't lost: the next key sends it. The mark stands before the look at the keys, so that a key
        // that comes in between takes it away again.
        Interlocked.Exchange(ref _creditHeldBack, 1);
        if (_sealer.CanSeal(FrameType.Credit, CreditWriter.Bytes))
        {
            var writer = new CreditWriter(total);
            Place(FrameType.Credit, default, ref writer, CreditWriter.Bytes, reserveBytes: 0);
            Volatile.Write(ref _creditSent, total);
            Volatile.Write(ref _creditHeldBack, 0);
        }
    }

    // Called without the turn, after a frame of our own was asked for and after each turn: whichever comes second finds the other's trace.
    [SuppressMessage("Reliability", "CA2012", Justification = "The one awaiter is used once, by who has the turn; without a task, so that credit allocates nothing.")]
    private void SendOwnFrames()
    {
        while (OwnFramesAreDue() && _turns.TryEnter())
        {
            if (!_state.HasEnded)
            {
                PlaceOwnFrames();
            }

            _ownFlush = FlushAsync(CancellationToken.None).GetAwaiter();
            if (!_ownFlush.IsCompleted)
            {
                _ownFlush.UnsafeOnCompleted(_finishOwnFrames);
                return;
            }

            EndOwnFlush();
        }
    }

    private bool OwnFramesAreDue() => !_state.HasEnded
        && (Volatile.Read(ref _replyWanted) == 1
            || (Volatile.Read(ref _creditTotal) > Volatile.Read(ref _creditSent) && Volatile.Read(ref _creditHeldBack) == 0));

    private void FinishOwnFrames()
    {
        EndOwnFlush();
        SendOwnFrames();
    }

    private void EndOwnFlush()
    {
        try
        {
            _ownFlush.GetResult();
        }
        catch (LinkException)
        {
            // The state holds the reason; the next send or receive reports it.
        }
        finally
        {
            _turns.Leave();
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask FlushAsync(CancellationToken cancellationToken)
    {
        try
        {
            await _writer.FlushAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            LinkException failure = _state.SendFailed(e);
            _turns.EndCredit();
            throw failure;
        }
    }
}
