using System.Buffers.Binary;
using NativeSplit.Transport.Frames;

namespace NativeSplit.Transport.Sealing;

/// <summary>Opens the frames of one direction in order. For one receiver; only <see cref="Install"/> may come from elsewhere.</summary>
/// <param name="cipher">Cipher of the first key; owned from here.</param>
/// <param name="connectionId">Id of the link.</param>
/// <param name="maxPayloadBytes">Longest payload agreed on.</param>
internal sealed class FrameOpener(FrameCipher cipher, ulong connectionId, int maxPayloadBytes) : IDisposable
{
    private FrameCipher _cipher = cipher;
    private FrameCipher? _next;
    private Action? _switched;
    private uint _phase;
    private ulong _sequence;

    /// <summary>Longest payload agreed on.</summary>
    public int MaxPayloadBytes => maxPayloadBytes;

    /// <summary>Bytes of the tag at a frame's end.</summary>
    public int TagBytes => _cipher.TagBytes;

    /// <summary>Sets who is told of the first frame under a new key.</summary>
    public void Attach(Action switched) => _switched = switched;

    /// <summary>Makes the next key ready. At most one is ahead of the frames.</summary>
    /// <param name="next">Its cipher; owned from here.</param>
    public void Install(FrameCipher next) => Volatile.Write(ref _next, next);

    /// <summary>Judges an outer header: the only sequence it accepts is the next one, the only keys the one in use and the one ready.</summary>
    /// <param name="source">Bytes received so far.</param>
    /// <param name="header">The header when complete.</param>
    public FrameStatus TryRead(ReadOnlySpan<byte> source, out OuterHeader header) =>
        OuterHeader.TryRead(source, maxPayloadBytes, _phase, Volatile.Read(ref _next) is not null, _sequence, connectionId, out header);

    /// <summary>Opens a frame in place. False when its seal is broken; the frame is then wiped.</summary>
    /// <param name="frame">The whole frame, whose outer header was judged.</param>
    public bool TryOpen(Span<byte> frame)
    {
        bool isNext = BinaryPrimitives.ReadUInt32LittleEndian(frame[FrameLayout.KeyPhaseOffset..]) != _phase;
        FrameCipher opening = isNext ? Volatile.Read(ref _next)! : _cipher;
        if (!opening.TryOpen(_sequence, frame[..FrameLayout.OuterBytes], frame[FrameLayout.OuterBytes..]))
        {
            return false;
        }

        _sequence++;
        if (isNext)
        {
            // Only a frame that is authentic makes the old key go.
            _cipher.Dispose();
            (_cipher, _phase) = (opening, _phase + 1);
            Volatile.Write(ref _next, null);
            _switched?.Invoke();
        }

        return true;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _cipher.Dispose();
        Volatile.Read(ref _next)?.Dispose();
    }
}
