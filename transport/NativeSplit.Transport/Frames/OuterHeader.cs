using System.Buffers.Binary;
using NativeSplit.Transport.Links;

namespace NativeSplit.Transport.Frames;

/// <summary>How the outer header of a frame was judged.</summary>
internal enum FrameStatus
{
    /// <summary>The header is in order; <see cref="OuterHeader.Length"/> payload bytes follow. Nothing is authentic before the seal was opened.</summary>
    Complete,

    /// <summary>Fewer bytes than an outer header are there.</summary>
    NeedMoreData,

    /// <summary>The magic is wrong.</summary>
    BadMagic,

    /// <summary>Another version of the wire format.</summary>
    BadVersion,

    /// <summary>A type that version 1 doesn't have.</summary>
    BadType,

    /// <summary>A flag that version 1 doesn't have.</summary>
    BadFlags,

    /// <summary>The payload is longer than agreed.</summary>
    TooLarge,

    /// <summary>Keys that this end doesn't have.</summary>
    BadKeyPhase,

    /// <summary>Not the next frame: replayed, reordered, or one is missing.</summary>
    BadSequence,

    /// <summary>A frame of another link.</summary>
    BadConnection,
}

/// <summary>Outer header of a frame: clear on the wire, authenticated by the seal.</summary>
/// <param name="Type">Type of the frame.</param>
/// <param name="Length">Bytes of the payload.</param>
/// <param name="KeyPhase">Number of the key that seals the frame, from 0.</param>
/// <param name="Sequence">Number of the frame in its direction, from 0.</param>
/// <param name="ConnectionId">Id of the link.</param>
internal readonly record struct OuterHeader(FrameType Type, int Length, uint KeyPhase, ulong Sequence, ulong ConnectionId)
{
    /// <summary>Writes the header field by field, little-endian.</summary>
    /// <param name="destination">At least <see cref="FrameLayout.OuterBytes"/> bytes.</param>
    public void Format(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(destination[FrameLayout.MagicOffset..], FrameLayout.Magic);
        destination[FrameLayout.VersionOffset] = FrameLayout.Version;
        destination[FrameLayout.TypeOffset] = (byte)Type;
        BinaryPrimitives.WriteUInt32LittleEndian(destination[FrameLayout.FlagsOffset..], 0);
        BinaryPrimitives.WriteInt32LittleEndian(destination[FrameLayout.LengthOffset..], Length);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[FrameLayout.KeyPhaseOffset..], KeyPhase);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[FrameLayout.SequenceOffset..], Sequence);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[FrameLayout.ConnectionIdOffset..], ConnectionId);
    }

    /// <summary>Reads and judges the header. Looks at no byte behind it, so a length is judged before anything is awaited or rented for it.</summary>
    /// <param name="source">Bytes received so far.</param>
    /// <param name="maxPayloadBytes">Longest payload agreed on.</param>
    /// <param name="keyPhase">The key in use; the next one may come too when it is ready.</param>
    /// <param name="nextIsReady">Whether the next key is ready.</param>
    /// <param name="nextSequence">The only sequence that may come.</param>
    /// <param name="connectionId">Id of this link.</param>
    /// <param name="header">The header when <see cref="FrameStatus.Complete"/>; otherwise empty.</param>
    public static FrameStatus TryRead(
        ReadOnlySpan<byte> source, int maxPayloadBytes, uint keyPhase, bool nextIsReady, ulong nextSequence, ulong connectionId, out OuterHeader header)
    {
        header = default;
        if (source.Length < FrameLayout.OuterBytes)
        {
            return FrameStatus.NeedMoreData;
        }

        if (BinaryPrimitives.ReadUInt16LittleEndian(source[FrameLayout.MagicOffset..]) != FrameLayout.Magic)
        {
            return FrameStatus.BadMagic;
        }

        if (source[FrameLayout.VersionOffset] != FrameLayout.Version)
        {
            return FrameStatus.BadVersion;
        }

        var type = (FrameType)source[FrameLayout.TypeOffset];
        if (type is < FrameType.Activations or > FrameType.Credit)
        {
            return FrameStatus.BadType;
        }

        if (BinaryPrimitives.ReadUInt32LittleEndian(source[FrameLayout.FlagsOffset..]) != 0)
        {
            return FrameStatus.BadFlags;
        }

        uint length = BinaryPrimitives.ReadUInt32LittleEndian(source[FrameLayout.LengthOffset..]);
        if (length > (uint)maxPayloadBytes || (type == FrameType.Bulk && length > LinkOptions.BulkPayloadCeiling))
        {
            return FrameStatus.TooLarge;
        }

        uint phase = BinaryPrimitives.ReadUInt32LittleEndian(source[FrameLayout.KeyPhaseOffset..]);
        if (phase != keyPhase && !(nextIsReady && phase == keyPhase + 1))
        {
            return FrameStatus.BadKeyPhase;
        }

        if (BinaryPrimitives.ReadUInt64LittleEndian(source[FrameLayout.ConnectionIdOffset..]) != connectionId)
        {
            return FrameStatus.BadConnection;
        }

        if (BinaryPrimitives.ReadUInt64LittleEndian(source[FrameLayout.SequenceOffset..]) != nextSequence)
        {
            return FrameStatus.BadSequence;
        }

        header = new OuterHeader(type, (int)length, phase, nextSequence, connectionId);
        return FrameStatus.Complete;
    }
}
