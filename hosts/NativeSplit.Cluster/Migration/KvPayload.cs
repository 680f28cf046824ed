using System.Buffers.Binary;
using NativeSplit.Engine;
using NativeSplit.Kernels;
using NativeSplit.Model;
using NativeSplit.Transport.Frames;

namespace NativeSplit.Cluster.Migration;

/// <summary>Where KV pages go.</summary>
/// <param name="Epoch">Epoch of the plan that is being prepared.</param>
/// <param name="Stage">Its stage.</param>
/// <param name="Sequence">The sequence.</param>
/// <param name="Type">How elements are kept.</param>
public readonly record struct KvTarget(ulong Epoch, ushort Stage, SequenceId Sequence, KeyValueType Type);

/// <summary>
/// Payload of a bulk frame with KV pages. The header names epoch, stage, sequence (as batch) and type (as encoding). Little-endian.
/// <code>
/// piece = 0 u32, offset u32, bytes          ; header: sequences = layer, rows = page of the sequence
/// end   = 1 u32, length u32                 ; header: sequences = first layer, rows = one past the last
/// </code>
/// </summary>
public static class KvPayload
{
    /// <summary>Bytes before those of a page.</summary>
    public const int PrefixBytes = 8;

    private const uint Piece = 0;
    private const uint End = 1;

    /// <summary>Header of a part of a page.</summary>
    public static FrameHeader PieceHeader(KvTarget target, int layer, int page) => Header(target, (uint)layer, (uint)page);

    /// <summary>Header of the end of some layers.</summary>
    public static FrameHeader EndHeader(KvTarget target, LayerRange layers) => Header(target, (uint)layers.Start, (uint)layers.End);

    /// <summary>Reads a frame. Judges the numbers only so far as they fit their types: what they may be, the cache knows.</summary>
    /// <param name="header">Header of the frame.</param>
    /// <param name="payload">The payload.</param>
    /// <param name="isEnd">Whether it ends some layers.</param>
    /// <param name="number">Offset of a piece, or length of the sequence.</param>
    public static bool TryRead(FrameHeader header, ReadOnlySpan<byte> payload, out bool isEnd, out int number)
    {
        isEnd = false;
        number = 0;
        if (payload.Length < PrefixBytes || header.Sequences > int.MaxValue || header.Rows > int.MaxValue || !Enum.IsDefined((KeyValueType)header.Encoding))
        {
            return false;
        }

        uint kind = BinaryPrimitives.ReadUInt32LittleEndian(payload);
        uint value = BinaryPrimitives.ReadUInt32LittleEndian(payload[4..]);
        isEnd = kind == End;
        number = (int)Math.Min(value, int.MaxValue);
        return value <= int.MaxValue && (isEnd ? payload.Length == PrefixBytes : kind == Piece && payload.Length > PrefixBytes);
    }

    /// <summary>The target that a header names.</summary>
    public static KvTarget TargetOf(FrameHeader header) => new(header.Epoch, header.Stage, new SequenceId(header.Batch), (KeyValueType)header.Encoding);

    private static FrameHeader Header(KvTarget target, uint first, uint second) => new(target.Epoch, target.Sequence.Value, target.Stage, (byte)target.Type, first, second);

    /// <summary>Writes a part of a page.</summary>
    internal readonly struct PieceWriter(int offset, ReadOnlyMemory<byte> bytes) : IPayloadWriter
    {
        public int Length => PrefixBytes + bytes.Length;

        public void Write(Span<byte> payload)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(payload, Piece);
            BinaryPrimitives.WriteUInt32LittleEndian(payload[4..], (uint)offset);
            bytes.Span.CopyTo(payload[PrefixBytes..]);
        }
    }

    /// <summary>Writes an end.</summary>
    internal readonly struct EndWriter(int length) : IPayloadWriter
    {
        public int Length => PrefixBytes;

        public void Write(Span<byte> payload)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(payload, End);
            BinaryPrimitives.WriteUInt32LittleEndian(payload[4..], (uint)length);
        }
    }
}
