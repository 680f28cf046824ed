using System.Buffers.Binary;
using NativeSplit.Transport.Links;

namespace NativeSplit.Transport.Handshakes;

/// <summary>What a TCP connection is for.</summary>
internal enum ConnectionKind : byte
{
    /// <summary>TLS with both ends authenticated, in which a link is agreed on.</summary>
    Control = 1,

    /// <summary>The sealed frames of a link.</summary>
    Data = 2,

    /// <summary>TLS with only the listener authenticated, for a peer without a certificate.</summary>
    Enrolment = 3,

    /// <summary>TLS with both ends authenticated, for a peer whose certificate is to be renewed.</summary>
    Renewal = 4,
}

/// <summary>How eight bytes were judged.</summary>
internal enum PreambleStatus
{
    /// <summary>A preamble.</summary>
    Complete,

    /// <summary>Something else speaks here.</summary>
    BadMagic,

    /// <summary>Another version of the wire format.</summary>
    BadVersion,

    /// <summary>An unknown kind, or a reserved byte that isn't zero.</summary>
    Malformed,
}

/// <summary>The eight clear bytes that open every TCP connection, and the listener's answer to those of control, enrolment and renewal.</summary>
/// <param name="Kind">What the connection is for.</param>
/// <param name="Answer">Zero from the connector and for "go on"; otherwise the number of a <see cref="LinkFault"/>.</param>
internal readonly record struct Preamble(ConnectionKind Kind, byte Answer = 0)
{
    /// <summary>First four bytes, "NSPL" read as a little-endian number.</summary>
    public const uint Magic = 0x4C50_534E;

    /// <summary>Version of the wire format.</summary>
    public const byte Version = 1;

    /// <summary>Offset of the magic, 4 bytes.</summary>
    public const int MagicOffset = 0;

    /// <summary>Offset of the version, 1 byte.</summary>
    public const int VersionOffset = 4;

    /// <summary>Offset of the kind, 1 byte.</summary>
    public const int KindOffset = 5;

    /// <summary>Offset of the answer, 1 byte.</summary>
    public const int AnswerOffset = 6;

    /// <summary>Offset of a reserved byte, zero.</summary>
    public const int ReservedOffset = 7;

    /// <summary>Bytes in all.</summary>
    public const int Bytes = 8;

    /// <summary>Writes the preamble.</summary>
    /// <param name="destination">Shape [8].</param>
    public void Format(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(destination[MagicOffset..], Magic);
        destination[VersionOffset] = Version;
        destination[KindOffset] = (byte)Kind;
        destination[AnswerOffset] = Answer;
        destination[ReservedOffset] = 0;
    }

    /// <summary>The bytes of the preamble.</summary>
    public byte[] ToArray()
    {
        byte[] bytes = new byte[Bytes];
        Format(bytes);
        return bytes;
    }

    /// <summary>Reads and judges a preamble.</summary>
    /// <param name="source">Shape [8].</param>
    /// <param name="preamble">The preamble when <see cref="PreambleStatus.Complete"/>.</param>
    public static PreambleStatus TryParse(ReadOnlySpan<byte> source, out Preamble preamble)
    {
        preamble = default;
        if (BinaryPrimitives.ReadUInt32LittleEndian(source[MagicOffset..]) != Magic)
        {
            return PreambleStatus.BadMagic;
        }

        if (source[VersionOffset] != Version)
        {
            return PreambleStatus.BadVersion;
        }

        var kind = (ConnectionKind)source[KindOffset];
        if (kind is < ConnectionKind.Control or > ConnectionKind.Renewal || source[ReservedOffset] != 0)
        {
            return PreambleStatus.Malformed;
        }

        preamble = new Preamble(kind, source[AnswerOffset]);
        return PreambleStatus.Complete;
    }
}
