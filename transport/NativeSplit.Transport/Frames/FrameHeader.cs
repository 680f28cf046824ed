using System.Buffers.Binary;

namespace NativeSplit.Transport.Frames;

/// <summary>Inner header of a frame: encrypted, 32 bytes on the wire (docs/wire.md). The transport carries the numbers; it doesn't read them.</summary>
/// <param name="Epoch">Plan epoch.</param>
/// <param name="Batch">Number of the step.</param>
/// <param name="Stage">Stage the frame is for.</param>
/// <param name="Encoding">Element encoding of the rows.</param>
/// <param name="Sequences">Entries of the row table.</param>
/// <param name="Rows">Rows of the payload.</param>
public readonly record struct FrameHeader(ulong Epoch, ulong Batch, ushort Stage, byte Encoding, uint Sequences, uint Rows)
{
    /// <summary>Writes the header field by field, little-endian, into a whole frame.</summary>
    /// <param name="frame">The frame from its first byte, at least <see cref="FrameLayout.PrefixBytes"/> bytes.</param>
    internal void Format(Span<byte> frame)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(frame[FrameLayout.EpochOffset..], Epoch);
        BinaryPrimitives.WriteUInt64LittleEndian(frame[FrameLayout.BatchOffset..], Batch);
        BinaryPrimitives.WriteUInt16LittleEndian(frame[FrameLayout.StageOffset..], Stage);
        frame[FrameLayout.EncodingOffset] = Encoding;
        frame[FrameLayout.ReservedOffset] = 0;
        BinaryPrimitives.WriteUInt32LittleEndian(frame[FrameLayout.SequencesOffset..], Sequences);
        BinaryPrimitives.WriteUInt32LittleEndian(frame[FrameLayout.RowsOffset..], Rows);
        BinaryPrimitives.WriteUInt32LittleEndian(frame[FrameLayout.ReservedTailOffset..], 0);
    }

    /// <summary>Reads the header from an opened frame. False when a reserved byte isn't zero.</summary>
    /// <param name="frame">The frame from its first byte, at least <see cref="FrameLayout.PrefixBytes"/> bytes.</param>
    /// <param name="header">The header, or empty.</param>
    internal static bool TryParse(ReadOnlySpan<byte> frame, out FrameHeader header)
    {
        if (frame[FrameLayout.ReservedOffset] != 0 || BinaryPrimitives.ReadUInt32LittleEndian(frame[FrameLayout.ReservedTailOffset..]) != 0)
        {
            header = default;
            return false;
        }

        header = new FrameHeader(
            BinaryPrimitives.ReadUInt64LittleEndian(frame[FrameLayout.EpochOffset..]),
            BinaryPrimitives.ReadUInt64LittleEndian(frame[FrameLayout.BatchOffset..]),
            BinaryPrimitives.ReadUInt16LittleEndian(frame[FrameLayout.StageOffset..]),
            frame[FrameLayout.EncodingOffset],
            BinaryPrimitives.ReadUInt32LittleEndian(frame[FrameLayout.SequencesOffset..]),
            BinaryPrimitives.ReadUInt32LittleEndian(frame[FrameLayout.RowsOffset..]));
        return true;
    }
}
