namespace NativeSplit.Transport.Frames;

/// <summary>Inner header of a frame: encrypted, 32 bytes on the wire (docs/wire.md). The transport carries the numbers; it doesn't read them.</summary>
/// <param name="Epoch">Plan epoch.</param>
/// <param name="Batch">Number of the step.</param>
/// <param name="Stage">Stage the frame is for.</param>
/// <param name="Encoding">Element encoding of the rows.</param>
/// <param name="Sequences">Entries of the row table.</param>
/// <param name="Rows">Rows of the payload.</param>
public readonly record struct FrameHeader(ulong Epoch, ulong Batch, ushort Stage, byte Encoding, uint Sequences, uint Rows);
