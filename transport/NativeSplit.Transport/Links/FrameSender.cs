using System.Net.Sockets;
using System.Runtime.CompilerServices;
using NativeSplit.Transport.Frames;
using NativeSplit.Transport.Pipes;
using NativeSplit.Transport.Sealing;

namespace NativeSplit.Transport.Links;

/// <summary>Sending half of a link: one frame at a time, sealed in the buffer that the socket sends from.</summary>
/// <remarks>
/// The lock is free in the usual case and then costs no allocation. Sealing is the commit point: a sealed frame has used its
/// sequence, so it is always sent in full, and only then is the caller's token observed.
/// </remarks>
internal sealed class FrameSender : IDisposable
{
    private static readonly int ReplyFrameBytes = FrameLayout.FrameBytes(ProbeWriter.Bytes);

    private readonly SemaphoreSlim _lock = new(1, 1);
    private readonly SocketPipeWriter _writer;
    private readonly FrameSealer _sealer;
    private readonly LinkState _state;
    private readonly int _maxPayloadBytes;
    private ulong _replyNumber;
    private int _replyWanted;
    private long _frames;
    private long _bytes;
    private long _activationFrames;
    private volatile bool _awaitsRows;

    /// <summary>Makes the sending half.</summary>
    /// <param name="socket">Socket of the data connection; borrowed.</param>
    /// <param name="sealer">Sealer of the direction; owned from here.</param>
    /// <param name="state">State of the link.</param>
    /// <param name="maxPayloadBytes">Longest payload agreed on.</param>
    public FrameSender(Socket socket, FrameSealer sealer, LinkState state, int maxPayloadBytes)
    {
        _writer = new SocketPipeWriter(socket, FrameLayout.FrameBytes(maxPayloadBytes) + ReplyFrameBytes);
        _sealer = sealer;
        _state = state;
        _maxPayloadBytes = maxPayloadBytes;
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

    /// <summary>Sends one frame.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public async ValueTask SendAsync<TWriter>(FrameType type, FrameHeader header, TWriter writer, CancellationToken cancellationToken)
        where TWriter : struct, IPayloadWriter
    {
        if (!_lock.Wait(0, CancellationToken.None))
        {
            await _lock.WaitAsync(cancellationToken).ConfigureAwait(false);
        }

        try
        {
            cancellationToken.ThrowIfCancellationRequested();
            _state.ThrowIfNotSendable();
            Place(type, header, ref writer, reserveBytes: ReplyFrameBytes);
            PlaceReplyIfWanted();
            await FlushAsync(CancellationToken.None).ConfigureAwait(false);
        }
        finally
        {
            _lock.Release();
            ReplyIfWanted();
        }

        cancellationToken.ThrowIfCancellationRequested();
    }

    /// <summary>Answers a probe, without waiting: a receiver that waited for its own sender could stop both ends for ever.</summary>
    /// <param name="number">Number of the probe. An unanswered earlier one is dropped.</param>
    public void Reply(ulong number)
    {
        Volatile.Write(ref _replyNumber, number);
        Volatile.Write(ref _replyWanted, 1);
        ReplyIfWanted();
    }

    /// <summary>Sends a close frame if the lock comes free in time. The link ends anyway, so failures are of no interest.</summary>
    /// <param name="reason">Reason on the wire.</param>
    /// <param name="cancellationToken">Bounds the time.</param>
    public async Task SendCloseAsync(ushort reason, CancellationToken cancellationToken)
    {
        try
        {
            await _lock.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return;
        }

        try
        {
            _state.ThrowIfNotSendable();
            var writer = new CloseWriter(reason);
            Place(FrameType.Close, default, ref writer, reserveBytes: 0);
            await FlushAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is LinkException or OperationCanceledException)
        {
            // The peer is gone or doesn't read: it will see the connection end instead.
        }
        finally
        {
            _lock.Release();
        }
    }

    /// <summary>
    /// Wipes the keys and frees the buffer, after a bounded wait for a sender that still uses them. The link must have ended, so that
    /// senders that come later are told.
    /// </summary>
    /// <param name="timeout">The bound.</param>
    public async Task CloseAsync(TimeSpan timeout)
    {
        bool alone = await _lock.WaitAsync(timeout).ConfigureAwait(false);
        Dispose();
        if (alone)
        {
            _lock.Release();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _sealer.Dispose();
        _writer.Complete();
    }

    private void Place<TWriter>(FrameType type, FrameHeader header, ref TWriter writer, int reserveBytes)
        where TWriter : struct, IPayloadWriter
    {
        int length = writer.Length;
        ArgumentOutOfRangeException.ThrowIfNegative(length, nameof(writer));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, _maxPayloadBytes, nameof(writer));
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

    // Called under the lock. A reply travels in the same send as the frame before it.
    private void PlaceReplyIfWanted()
    {
        if (Interlocked.Exchange(ref _replyWanted, 0) == 1 && _sealer.CanSeal(FrameType.ProbeReply, ProbeWriter.Bytes))
        {
            var writer = new ProbeWriter(Volatile.Read(ref _replyNumber), clock: null);
            Place(FrameType.ProbeReply, default, ref writer, reserveBytes: 0);
        }
    }

    // Called without the lock, after a reply was asked for and after each release: whichever comes second finds the other's trace.
    private void ReplyIfWanted()
    {
        if (Volatile.Read(ref _replyWanted) == 1 && _lock.Wait(0, CancellationToken.None))
        {
            _ = SendReplyAsync();
        }
    }

    private async Task SendReplyAsync()
    {
        try
        {
            if (!_state.HasEnded)
            {
                PlaceReplyIfWanted();
                await FlushAsync(CancellationToken.None).ConfigureAwait(false);
            }
            else
            {
                Volatile.Write(ref _replyWanted, 0);
            }
        }
        catch (LinkException)
        {
            // The state holds the reason; the next send or receive reports it.
        }
        finally
        {
            _lock.Release();
            ReplyIfWanted();
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
            throw _state.SendFailed(e);
        }
    }
}
