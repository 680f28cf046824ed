using NativeSplit.Transport.Frames;

namespace NativeSplit.Transport.Sealing;

/// <summary>Opens the frames of one direction in order. Not safe for concurrent use.</summary>
/// <param name="cipher">Cipher of the direction; owned from here.</param>
/// <param name="connectionId">Id of the link.</param>
/// <param name="maxPayloadBytes">Longest payload agreed on.</param>
internal sealed class FrameOpener(FrameCipher cipher, ulong connectionId, int maxPayloadBytes) : IDisposable
{
    private ulong _sequence;

    /// <summary>Longest payload agreed on.</summary>
    public int MaxPayloadBytes => maxPayloadBytes;

    /// <summary>Bytes of the tag at a frame's end.</summary>
    public int TagBytes => cipher.TagBytes;

    /// <summary>Judges an outer header: the only sequence it accepts is the next one.</summary>
    /// <param name="source">Bytes received so far.</param>
    /// <param name="header">The header when complete.</param>
    public FrameStatus TryRead(ReadOnlySpan<byte> source, out OuterHeader header) =>
        OuterHeader.TryRead(source, maxPayloadBytes, _sequence, connectionId, out header);

    /// <summary>Opens a frame in place. False when its seal is broken; the frame is then wiped.</summary>
    /// <param name="frame">The whole frame.</param>
    public bool TryOpen(Span<byte> frame)
    {
        if (!cipher.TryOpen(_sequence, frame[..FrameLayout.OuterBytes], frame[FrameLayout.OuterBytes..]))
        {
            return false;
        }

        _sequence++;
        return true;
    }

    /// <inheritdoc/>
    public void Dispose() => cipher.Dispose();
}
