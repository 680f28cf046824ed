using NativeSplit.Transport.Frames;

namespace NativeSplit.Transport.Sealing;

/// <summary>Seals the frames of one direction in order. For one sender at a time; <see cref="Install"/> and <see cref="Expire"/> may come from elsewhere.</summary>
internal sealed class FrameSealer : IDisposable
{
    /// <summary>
    /// Bytes one key may seal; half of them make a new key be asked for. NIST SP 800-38D allows more per nonce scheme; this keeps GCM's
    /// bounds far below 2^-32.
    /// </summary>
    public const long DefaultLimitBytes = 1L << 39;

    /// <summary>Part of the limit that only a close frame may use, so that a link with spent keys can still say why it ends.</summary>
    public const int CloseReserveBytes = 4096;

    private readonly ulong _connectionId;
    private readonly long _limitBytes;
    private FrameCipher _cipher;
    private FrameCipher? _next;
    private Action? _worn;
    private Action? _switched;
    private volatile bool _expired;
    private bool _isWorn;
    private uint _phase;
    private ulong _sequence;
    private long _sealedBytes;

    /// <summary>Makes the sealer.</summary>
    /// <param name="cipher">Cipher of the first key; owned from here.</param>
    /// <param name="connectionId">Id of the link.</param>
    /// <param name="limitBytes">Bytes a key may seal.</param>
    public FrameSealer(FrameCipher cipher, ulong connectionId, long limitBytes)
    {
        _cipher = cipher;
        _connectionId = connectionId;
        _limitBytes = limitBytes;
    }

    /// <summary>Sets who is told, once per key, that it has sealed half its bytes, and of the first frame under a new key. Both must not wait.</summary>
    public void Attach(Action worn, Action switched) => (_worn, _switched) = (worn, switched);

    /// <summary>Gives the next key: the next frame is sealed with it.</summary>
    /// <param name="next">Its cipher; owned from here.</param>
    public void Install(FrameCipher next) => Volatile.Write(ref _next, next);

    /// <summary>The key in use is too old: until another is installed, only a close frame is sealed.</summary>
    public void Expire() => _expired = true;

    /// <summary>Whether the key may seal a frame of this length.</summary>
    /// <param name="type">Type of the frame.</param>
    /// <param name="payloadBytes">Bytes of the payload.</param>
    public bool CanSeal(FrameType type, int payloadBytes)
    {
        bool isClose = type == FrameType.Close;
        long limit = isClose ? _limitBytes : _limitBytes - CloseReserveBytes;
        bool renewed = Volatile.Read(ref _next) is not null;
        return (renewed ? 0 : _sealedBytes) + FrameLayout.SealedBytes(payloadBytes) <= limit && (renewed || isClose || !_expired);
    }

    /// <summary>Completes a frame whose payload is in place: headers, padding, encryption, tag. The frame must then be sent.</summary>
    /// <param name="type">Type of the frame.</param>
    /// <param name="header">Inner header.</param>
    /// <param name="payloadBytes">Bytes of the payload.</param>
    /// <param name="frame">Exactly <see cref="FrameLayout.FrameBytes"/> bytes; the payload starts at <see cref="FrameLayout.PrefixBytes"/>.</param>
    public void Seal(FrameType type, FrameHeader header, int payloadBytes, Span<byte> frame)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(frame.Length, FrameLayout.FrameBytes(payloadBytes));
        if (Volatile.Read(ref _next) is { } next)
        {
            Switch(next);
        }

        new OuterHeader(type, payloadBytes, _phase, _sequence, _connectionId).Format(frame);
        header.Format(frame);
        frame[(FrameLayout.PrefixBytes + payloadBytes)..^_cipher.TagBytes].Clear();
        _cipher.Seal(_sequence, frame[..FrameLayout.OuterBytes], frame[FrameLayout.OuterBytes..]);
        _sequence++;
        _sealedBytes += FrameLayout.SealedBytes(payloadBytes);
        if (_sealedBytes > _limitBytes / 2 && !_isWorn)
        {
            _isWorn = true;
            _worn?.Invoke();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _cipher.Dispose();
        Volatile.Read(ref _next)?.Dispose();
    }

    private void Switch(FrameCipher next)
    {
        _cipher.Dispose();
        (_cipher, _phase, _sealedBytes, _isWorn, _expired) = (next, _phase + 1, 0, false, false);
        Volatile.Write(ref _next, null);
        _switched?.Invoke();
    }
}
