using System.Buffers.Binary;
using System.Diagnostics;

namespace NativeSplit.Transport.Frames;

/// <summary>Copies a payload that lies elsewhere.</summary>
/// <param name="payload">The payload; read once, under the send lock.</param>
internal readonly struct CopyWriter(ReadOnlyMemory<byte> payload) : IPayloadWriter
{
    public int Length => payload.Length;

    public void Write(Span<byte> destination) => payload.Span.CopyTo(destination);
}

/// <summary>Payload of a probe and of its reply: one number, <c>u64</c>. A probe may carry padding behind it, so that its way takes as long as that of a large frame.</summary>
/// <param name="number">Number of the probe.</param>
/// <param name="clock">Where to note the time at which the probe is sealed; null for a reply.</param>
/// <param name="padding">Bytes behind the number; from 0.</param>
internal readonly struct ProbeWriter(ulong number, ProbeClock? clock, int padding = 0) : IPayloadWriter
{
    /// <summary>Bytes of the payload without padding.</summary>
    public const int Bytes = 8;

    public int Length => Bytes + padding;

    public void Write(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(destination, number);
        destination[Bytes..].Clear();
        if (clock is not null)
        {
            clock.Start = Stopwatch.GetTimestamp();
        }
    }

    /// <summary>Reads the number of a probe. False when the payload has none.</summary>
    public static bool TryParseProbe(ReadOnlySpan<byte> payload, out ulong number) => BinaryPrimitives.TryReadUInt64LittleEndian(payload, out number);

    /// <summary>Reads the number of a reply. False when the payload isn't one number.</summary>
    public static bool TryParseReply(ReadOnlySpan<byte> payload, out ulong number) =>
        BinaryPrimitives.TryReadUInt64LittleEndian(payload, out number) && payload.Length == Bytes;
}

/// <summary>Holds the <see cref="Stopwatch"/> time at which a probe was sealed: waiting for other senders isn't part of the round trip.</summary>
internal sealed class ProbeClock
{
    public long Start { get; set; }
}

/// <summary>Payload of a credit frame: bytes of bulk frames that may have been sent since the link opened, <c>u64</c>.</summary>
/// <param name="total">The bytes.</param>
internal readonly struct CreditWriter(ulong total) : IPayloadWriter
{
    /// <summary>Bytes of the payload.</summary>
    public const int Bytes = 8;

    public int Length => Bytes;

    public void Write(Span<byte> destination) => BinaryPrimitives.WriteUInt64LittleEndian(destination, total);

    /// <summary>Reads the bytes. False when the payload isn't one number.</summary>
    public static bool TryParse(ReadOnlySpan<byte> payload, out ulong total) =>
        BinaryPrimitives.TryReadUInt64LittleEndian(payload, out total) && payload.Length == Bytes;
}

/// <summary>Payload of a close frame: one reason, <c>u16</c>: 0 for done, otherwise the number of a <see cref="Links.LinkFault"/>.</summary>
/// <param name="reason">The reason.</param>
internal readonly struct CloseWriter(ushort reason) : IPayloadWriter
{
    /// <summary>Bytes of the payload.</summary>
    public const int Bytes = 2;

    public int Length => Bytes;

    public void Write(Span<byte> destination) => BinaryPrimitives.WriteUInt16LittleEndian(destination, reason);

    /// <summary>Reads the reason. False when the payload isn't one reason.</summary>
    public static bool TryParse(ReadOnlySpan<byte> payload, out ushort reason) =>
        BinaryPrimitives.TryReadUInt16LittleEndian(payload, out reason) && payload.Length == Bytes;
}
