using System.Buffers.Binary;
using NativeSplit.Engine;
using NativeSplit.Engine.Execution;
using NativeSplit.Transport.Frames;

namespace NativeSplit.Cluster.Activations;

/// <summary>Outcome of reading an activation payload.</summary>
public enum ActivationStatus
{
    /// <summary>Read whole.</summary>
    Complete,

    /// <summary>The encoding isn't the one agreed.</summary>
    WrongEncoding,

    /// <summary>More sequences or rows than agreed.</summary>
    TooLarge,

    /// <summary>The lengths don't add up, or a row table entry is absurd.</summary>
    Malformed,
}

/// <summary>
/// Payload of an activation frame: a row table, then the rows. Little-endian throughout.
/// <code>
/// payload  = entry × sequences, row × rows
/// entry    = sequence u64, position u32, count u32          ; 16 bytes
/// row      = element × hidden                               ; 4 bytes each for f32, 2 for bf16 and f16
/// Σ count  = rows
/// </code>
/// </summary>
public static class ActivationPayload
{
    /// <summary>Bytes of a row table entry.</summary>
    public const int EntryBytes = 16;

    /// <summary>Bytes of a payload.</summary>
    public static int LengthOf(int sequences, int rows, int hiddenSize, RowEncoding encoding) =>
        checked((sequences * EntryBytes) + (rows * RowCodec.RowBytes(encoding, hiddenSize)));

    /// <summary>Writes a payload.</summary>
    /// <param name="batch">Sequences.</param>
    /// <param name="hidden">Shape [rows, hidden].</param>
    /// <param name="encoding">How to write the rows.</param>
    /// <param name="payload">Exactly the bytes of <see cref="LengthOf"/>.</param>
    public static void Write(ReadOnlySpan<SequenceRows> batch, ReadOnlySpan<float> hidden, RowEncoding encoding, Span<byte> payload)
    {
        foreach (SequenceRows entry in batch)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(payload, entry.Sequence.Value);
            BinaryPrimitives.WriteUInt32LittleEndian(payload[8..], (uint)entry.Position);
            BinaryPrimitives.WriteUInt32LittleEndian(payload[12..], (uint)entry.Count);
            payload = payload[EntryBytes..];
        }

        RowCodec.Encode(encoding, hidden, payload);
    }

    /// <summary>Reads a payload into the caller's buffers. Judges every number first: they come from a peer.</summary>
    /// <param name="header">Header of the frame.</param>
    /// <param name="payload">The payload.</param>
    /// <param name="encoding">Encoding agreed.</param>
    /// <param name="hiddenSize">Width of a row.</param>
    /// <param name="batch">Takes the row table; its length is the most sequences allowed.</param>
    /// <param name="hidden">Takes the rows; its length is the most rows allowed, times <paramref name="hiddenSize"/>.</param>
    public static ActivationStatus TryRead(FrameHeader header, ReadOnlySpan<byte> payload, RowEncoding encoding, int hiddenSize, Span<SequenceRows> batch, Span<float> hidden)
    {
        if (header.Encoding != (byte)encoding)
        {
            return ActivationStatus.WrongEncoding;
        }

        if (header.Sequences > (uint)batch.Length || header.Rows > (uint)(hidden.Length / hiddenSize))
        {
            return ActivationStatus.TooLarge;
        }

        int sequences = (int)header.Sequences;
        int rows = (int)header.Rows;
        if (sequences == 0 || rows == 0 || payload.Length != LengthOf(sequences, rows, hiddenSize, encoding))
        {
            return ActivationStatus.Malformed;
        }

        long total = 0;
        for (int i = 0; i < sequences; i++)
        {
            ReadOnlySpan<byte> entry = payload[(i * EntryBytes)..];
            ulong sequence = BinaryPrimitives.ReadUInt64LittleEndian(entry);
            uint position = BinaryPrimitives.ReadUInt32LittleEndian(entry[8..]);
            uint count = BinaryPrimitives.ReadUInt32LittleEndian(entry[12..]);
            if (count == 0 || count > (uint)rows || position > int.MaxValue - count)
            {
                return ActivationStatus.Malformed;
            }

            total += count;
            batch[i] = new SequenceRows(new SequenceId(sequence), (int)position, (int)count);
        }

        if (total != rows)
        {
            return ActivationStatus.Malformed;
        }

        RowCodec.Decode(encoding, payload[(sequences * EntryBytes)..], hidden[..(rows * hiddenSize)]);
        return ActivationStatus.Complete;
    }
}

/// <summary>Writes an activation payload straight into a link's send buffer.</summary>
internal readonly struct ActivationWriter(ReadOnlyMemory<SequenceRows> batch, ReadOnlyMemory<float> hidden, int hiddenSize, RowEncoding encoding) : IPayloadWriter
{
    public int Length => ActivationPayload.LengthOf(batch.Length, hidden.Length / hiddenSize, hiddenSize, encoding);

    public void Write(Span<byte> payload) => ActivationPayload.Write(batch.Span, hidden.Span, encoding, payload);
}
