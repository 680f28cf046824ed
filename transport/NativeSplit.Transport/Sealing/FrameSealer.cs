using NativeSplit.Transport.Frames;

namespace NativeSplit.Transport.Sealing;

/// <summary>Seals the frames of one direction in order. Not safe for concurrent use.</summary>
internal sealed class FrameSealer : IDisposable
{
    /// <summary>Bytes one key may seal. NIST SP 800-38D allows more per nonce scheme; this keeps GCM's bounds far below 2^-32.</summary>
    public const long DefaultLimitBytes = 1L << 38;

    /// <summary>Part of the limit that only a close frame may use, so that a link with spent keys can still say why it ends.</summary>
    public const int CloseReserveBytes = 4096;

    private readonly FrameCipher _cipher;
    private readonly ulong _connectionId;
    private readonly long _limitBytes;
    private ulong _sequence;
    private long _sealedBytes;

    /// <summary>Makes the sealer.</summary>
    /// <param name="cipher">Cipher of the direction; owned from here.</param>
    /// <param name="connectionId">Id of the link.</param>
    /// <param name="limitBytes">Bytes the key may seal.</param>
    public FrameSealer(FrameCipher cipher, ulong connectionId, long limitBytes)
    {
        _cipher = cipher;
        _connectionId = connectionId;
        _limitBytes = limitBytes;
    }

    /// <summary>Whether the key may seal a frame of this length.</summary>
    /// <param name="type">Type of the frame.</param>
    /// <param name="payloadBytes">Bytes of the payload.</param>
    public bool CanSeal(FrameType type, int payloadBytes)
    {
        long limit = type == FrameType.Close ? _limitBytes : _limitBytes - CloseReserveBytes;
        return _sealedBytes + FrameLayout.SealedBytes(payloadBytes) <= limit;
    }

    /// <summary>Completes a frame whose payload is in place: headers, padding, encryption, tag. The frame must then be sent.</summary>
    /// <param name="type">Type of the frame.</param>
    /// <param name="header">Inner header.</param>
    /// <param name="payloadBytes">Bytes of the payload.</param>
    /// <param name="frame">Exactly <see cref="FrameLayout.FrameBytes"/> bytes; the payload starts at <see cref="FrameLayout.PrefixBytes"/>.</param>
    public void Seal(FrameType type, FrameHeader header, int payloadBytes, Span<byte> frame)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(frame.Length, FrameLayout.FrameBytes(payloadBytes));
        new OuterHeader(type, payloadBytes, _sequence, _connectionId).Format(frame);
        header.Format(frame);
        frame[(FrameLayout.PrefixBytes + payloadBytes)..^_cipher.TagBytes].Clear();
        _cipher.Seal(_sequence, frame[..FrameLayout.OuterBytes], frame[FrameLayout.OuterBytes..]);
        _sequence++;
        _sealedBytes += FrameLayout.SealedBytes(payloadBytes);
    }

    /// <inheritdoc/>
    public void Dispose() => _cipher.Dispose();
}
