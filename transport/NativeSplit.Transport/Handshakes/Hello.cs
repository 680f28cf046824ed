using System.Buffers.Binary;
using NativeSplit.Transport.Frames;
using NativeSplit.Transport.Links;
using NativeSplit.Transport.Sealing;

namespace NativeSplit.Transport.Handshakes;

/// <summary>What each end says once inside the control connection: 32 bytes of parameters, then a fresh secret of 32 bytes.</summary>
/// <param name="Suites">Bit set of the suites an end offers; the listener's holds the one chosen, none when it shares none.</param>
/// <param name="MaxPayloadBytes">Longest payload the end takes.</param>
/// <param name="ConnectionId">Id of the link: zero from the connector, chosen by the listener.</param>
internal readonly record struct Hello(CipherSuites Suites, uint MaxPayloadBytes, ulong ConnectionId)
{
    /// <summary>First four bytes, "NSHI" read as a little-endian number.</summary>
    public const uint Magic = 0x4948_534E;

    /// <summary>Offset of the magic, 4 bytes.</summary>
    public const int MagicOffset = 0;

    /// <summary>Offset of the version, 4 bytes.</summary>
    public const int VersionOffset = 4;

    /// <summary>Offset of the suites, 4 bytes.</summary>
    public const int SuitesOffset = 8;

    /// <summary>Offset of the longest payload, 4 bytes.</summary>
    public const int MaxPayloadOffset = 12;

    /// <summary>Offset of the connection id, 8 bytes.</summary>
    public const int ConnectionIdOffset = 16;

    /// <summary>Offset of 8 reserved bytes, zero.</summary>
    public const int ReservedOffset = 24;

    /// <summary>Offset of the secret, 32 bytes.</summary>
    public const int SecretOffset = 32;

    /// <summary>Bytes in all.</summary>
    public const int Bytes = SecretOffset + LinkKeys.SecretBytes;

    /// <summary>Writes the parameters.</summary>
    /// <param name="destination">At least <see cref="SecretOffset"/> bytes; the secret is left alone.</param>
    public void Format(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(destination[MagicOffset..], Magic);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[VersionOffset..], FrameLayout.Version);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[SuitesOffset..], (uint)Suites);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[MaxPayloadOffset..], MaxPayloadBytes);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[ConnectionIdOffset..], ConnectionId);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[ReservedOffset..], 0);
    }

    /// <summary>Reads and judges the parameters.</summary>
    /// <param name="source">At least <see cref="SecretOffset"/> bytes.</param>
    /// <param name="fromConnector">Whose hello it is.</param>
    /// <param name="hello">The parameters when there is no fault.</param>
    /// <returns>Null, or what is wrong.</returns>
    public static LinkFault? TryParse(ReadOnlySpan<byte> source, bool fromConnector, out Hello hello)
    {
        hello = new Hello(
            (CipherSuites)BinaryPrimitives.ReadUInt32LittleEndian(source[SuitesOffset..]),
            BinaryPrimitives.ReadUInt32LittleEndian(source[MaxPayloadOffset..]),
            BinaryPrimitives.ReadUInt64LittleEndian(source[ConnectionIdOffset..]));
        if (BinaryPrimitives.ReadUInt32LittleEndian(source[MagicOffset..]) != Magic)
        {
            return LinkFault.Malformed;
        }

        if (BinaryPrimitives.ReadUInt32LittleEndian(source[VersionOffset..]) != FrameLayout.Version)
        {
            return LinkFault.VersionMismatch;
        }

        bool suites = fromConnector ? hello.Suites != CipherSuites.None : hello.Suites == CipherSuites.None || SuiteChoice.IsOne(hello.Suites);
        bool payload = hello.MaxPayloadBytes is >= LinkOptions.MinPayloadBytes and <= FrameLayout.PayloadCeiling;
        bool id = fromConnector == (hello.ConnectionId == 0);
        bool reserved = BinaryPrimitives.ReadUInt64LittleEndian(source[ReservedOffset..]) == 0;
        return suites && payload && id && reserved ? null : LinkFault.Malformed;
    }
}
