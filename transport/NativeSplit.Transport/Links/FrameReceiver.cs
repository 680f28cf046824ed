using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using NativeSplit.Transport.Frames;
using NativeSplit.Transport.Pipes;
using NativeSplit.Transport.Sealing;

namespace NativeSplit.Transport.Links;

/// <summary>Receiving half of a link: frames are opened in the buffer that the socket wrote to. One receive at a time.</summary>
internal sealed class FrameReceiver : IDisposable
{
    private readonly ConnectionPipeReader _reader;
    private readonly FrameOpener _opener;
    private readonly LinkState _state;
    private SequencePosition _frameEnd;
    private bool _lent;
    private long _frames;
    private long _bytes;

    /// <summary>Makes the receiving half.</summary>
    /// <param name="connection">The data connection; borrowed.</param>
    /// <param name="opener">Opener of the direction; owned from here.</param>
    /// <param name="state">State of the link.</param>
    /// <param name="spin">How long to look for bytes before the thread is given back.</param>
    public FrameReceiver(Connection connection, FrameOpener opener, LinkState state, TimeSpan spin = default)
    {
        _reader = new ConnectionPipeReader(connection, FrameLayout.FrameBytes(opener.MaxPayloadBytes), spin);
        _opener = opener;
        _state = state;
    }

    /// <summary>Type of the frame received last.</summary>
    public FrameType Type { get; private set; }

    /// <summary>Inner header of the frame received last.</summary>
    public FrameHeader Header { get; private set; }

    /// <summary>Payload of the frame received last; lent until the next receive.</summary>
    public Memory<byte> Payload { get; private set; }

    /// <summary>Frames received.</summary>
    public long Frames => Volatile.Read(ref _frames);

    /// <summary>Bytes received, whole frames.</summary>
    public long Bytes => Volatile.Read(ref _bytes);

    /// <summary>Waits for the next frame and opens it.</summary>
    /// <exception cref="LinkException">The link has ended.</exception>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public async ValueTask ReceiveAsync(CancellationToken cancellationToken)
    {
        _state.ThrowIfEnded();
        Release();
        try
        {
            ReadResult read = await _reader.ReadAtLeastAsync(FrameLayout.PrefixBytes, cancellationToken).ConfigureAwait(false);
            int frameBytes = FrameLayout.FrameBytes(Judge(read.Buffer).Length);
            if (read.Buffer.Length < frameBytes)
            {
                _reader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
                read = await _reader.ReadAtLeastAsync(frameBytes, cancellationToken).ConfigureAwait(false);
            }

            Open(read.Buffer);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            throw _state.EndBySocket(e);
        }
    }

    /// <summary>Wipes the keys and frees the buffer.</summary>
    public void Dispose()
    {
        Payload = default;
        _opener.Dispose();
        _reader.Complete();
    }

    private void Release()
    {
        if (_lent)
        {
            _lent = false;
            Payload = default;
            _reader.AdvanceTo(_frameEnd);
        }
    }

    private OuterHeader Judge(ReadOnlySequence<byte> buffer)
    {
        if (buffer.Length < FrameLayout.PrefixBytes)
        {
            throw Truncated(buffer.Length);
        }

        FrameStatus status = _opener.TryRead(buffer.FirstSpan, out OuterHeader header);
        return status == FrameStatus.Complete ? header : throw Refuse(status);
    }

    private void Open(ReadOnlySequence<byte> buffer)
    {
        OuterHeader outer = Judge(buffer);
        int frameBytes = FrameLayout.FrameBytes(outer.Length);
        if (buffer.Length < frameBytes)
        {
            throw Truncated(buffer.Length);
        }

        Memory<byte> frame = MemoryMarshal.AsMemory(buffer.First)[..frameBytes];
        if (!_opener.TryOpen(frame.Span))
        {
            throw _state.End(
                LinkFault.AuthenticationFailed, $"The seal of a frame from {_state.Peer} is broken. The network altered it: open a new link.");
        }

        int payloadEnd = FrameLayout.PrefixBytes + outer.Length;
        if (!FrameHeader.TryParse(frame.Span, out FrameHeader header)
            || frame.Span[payloadEnd..^_opener.TagBytes].ContainsAnyExcept((byte)0))
        {
            throw _state.End(LinkFault.Malformed, $"{_state.Peer} sent a frame whose reserved bytes aren't zero. Run the same release at both ends.");
        }

        (Type, Header, Payload) = (outer.Type, header, frame[FrameLayout.PrefixBytes..payloadEnd]);
        _frameEnd = buffer.GetPosition(frameBytes);
        _lent = true;
        Volatile.Write(ref _frames, _frames + 1);
        Volatile.Write(ref _bytes, _bytes + frameBytes);
    }

    private LinkException Truncated(long haveBytes) => _state.End(
        LinkFault.Closed,
        haveBytes == 0
            ? $"The connection to {_state.Peer} ended without a goodbye. Open a new link when the peer is back."
            : $"The connection to {_state.Peer} ended in the middle of a frame. Open a new link when the peer is back.");

    private LinkException Refuse(FrameStatus status) => status switch
    {
        FrameStatus.TooLarge => _state.End(
            LinkFault.TooLarge, $"A frame from {_state.Peer} is longer than the agreed {_opener.MaxPayloadBytes} bytes. Open a new link."),
        FrameStatus.BadSequence or FrameStatus.BadConnection => _state.End(
            LinkFault.AuthenticationFailed,
            $"A frame from {_state.Peer} isn't the next one of this link ({status}): replayed, reordered, or from elsewhere. Open a new link."),
        FrameStatus.BadVersion => _state.End(
            LinkFault.VersionMismatch, $"A frame from {_state.Peer} has another version of the wire format. Run the same release at both ends."),
        _ => _state.End(LinkFault.Malformed, $"A frame from {_state.Peer} breaks the grammar ({status}). Open a new link."),
    };
}
