using NativeSplit.Transport.Frames;

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
public sealed class SealedLink : IAsyncDisposable
{
    /// <summary>Identity of the peer: the URI name of its certificate, verified.</summary>
    public string Peer => throw new NotImplementedException();

    /// <summary>Longest payload both ends agreed on.</summary>
    public int MaxPayloadBytes => throw new NotImplementedException();

    /// <summary>Counts so far.</summary>
    public LinkStatistics Statistics => throw new NotImplementedException();

    /// <summary>Type of the frame received last.</summary>
    public FrameType Type => throw new NotImplementedException();

    /// <summary>Inner header of the frame received last.</summary>
    public FrameHeader Header => throw new NotImplementedException();

    /// <summary>Payload of the frame received last, decrypted in place; lent and writable until the next receive.</summary>
    public Memory<byte> Payload => throw new NotImplementedException();

    /// <summary>Sends a frame; completes when it is handed to the socket (back-pressure).</summary>
    /// <exception cref="LinkException">The link is dead.</exception>
    public ValueTask SendAsync<TWriter>(FrameType type, FrameHeader header, TWriter writer, CancellationToken cancellationToken)
        where TWriter : struct, IPayloadWriter => throw new NotImplementedException();

    /// <summary>Sends a frame with a copied payload.</summary>
    /// <exception cref="LinkException">The link is dead.</exception>
    public ValueTask SendAsync(FrameType type, FrameHeader header, ReadOnlyMemory<byte> payload, CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>Waits for the next activation or control frame; probes are answered on the way.</summary>
    /// <exception cref="LinkException">The link is dead: broken seal, grammar, or a peer that vanished.</exception>
    public ValueTask<ReceiveStatus> ReceiveAsync(CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>Round trip of a probe. Both ends must be receiving.</summary>
    public ValueTask<TimeSpan> ProbeAsync(CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>Says goodbye to the peer, if it still listens, and closes.</summary>
    public ValueTask DisposeAsync() => throw new NotImplementedException();
}
