namespace NativeSplit.Transport.Links;

/// <summary>Limits of a link. The lesser of both ends' frame limits holds.</summary>
public sealed record LinkOptions
{
    /// <summary>Longest payload of a frame, in bytes.</summary>
    public int MaxPayloadBytes { get; init; } = 64 << 20;

    /// <summary>Time for the whole handshake.</summary>
    public TimeSpan HandshakeTimeout { get; init; } = TimeSpan.FromSeconds(10);
}
