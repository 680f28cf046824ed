namespace NativeSplit.Transport.Frames;

/// <summary>Where each byte of a frame lies. The tables of docs/wire.md, section 4, are these constants; a test compares them.</summary>
/// <remarks>
/// <code>
/// frame   = outer inner payload padding tag
/// outer   = 32 bytes, clear and authenticated
/// inner   = 32 bytes, encrypted
/// payload = length bytes, encrypted
/// padding = zero bytes, encrypted, so that the whole frame is a multiple of 64
/// tag     = 16 or 32 bytes, by suite
/// </code>
/// Every frame is a multiple of 64 bytes long, so a payload is 64-byte aligned wherever its frame lies in an aligned buffer.
/// </remarks>
internal static class FrameLayout
{
    /// <summary>First two bytes of a frame, "NS" read as a little-endian number.</summary>
    public const ushort Magic = 0x534E;

    /// <summary>Version of the wire format.</summary>
    public const byte Version = 1;

    /// <summary>Offset of the magic, 2 bytes.</summary>
    public const int MagicOffset = 0;

    /// <summary>Offset of the version, 1 byte.</summary>
    public const int VersionOffset = 2;

    /// <summary>Offset of the type, 1 byte.</summary>
    public const int TypeOffset = 3;

    /// <summary>Offset of the flags, 4 bytes.</summary>
    public const int FlagsOffset = 4;

    /// <summary>Offset of the payload length, 4 bytes.</summary>
    public const int LengthOffset = 8;

    /// <summary>Offset of the key phase, 4 bytes.</summary>
    public const int KeyPhaseOffset = 12;

    /// <summary>Offset of the sequence, 8 bytes.</summary>
    public const int SequenceOffset = 16;

    /// <summary>Offset of the connection id, 8 bytes.</summary>
    public const int ConnectionIdOffset = 24;

    /// <summary>Bytes of the outer header: the additional authenticated data of the seal.</summary>
    public const int OuterBytes = 32;

    /// <summary>Offset of the plan epoch, 8 bytes.</summary>
    public const int EpochOffset = 32;

    /// <summary>Offset of the batch, 8 bytes.</summary>
    public const int BatchOffset = 40;

    /// <summary>Offset of the stage, 2 bytes.</summary>
    public const int StageOffset = 48;

    /// <summary>Offset of the element encoding, 1 byte.</summary>
    public const int EncodingOffset = 50;

    /// <summary>Offset of a reserved byte, zero.</summary>
    public const int ReservedOffset = 51;

    /// <summary>Offset of the count of sequences, 4 bytes.</summary>
    public const int SequencesOffset = 52;

    /// <summary>Offset of the count of rows, 4 bytes.</summary>
    public const int RowsOffset = 56;

    /// <summary>Offset of 4 reserved bytes, zero.</summary>
    public const int ReservedTailOffset = 60;

    /// <summary>Bytes of the inner header.</summary>
    public const int InnerBytes = 32;

    /// <summary>Bytes before the payload.</summary>
    public const int PrefixBytes = OuterBytes + InnerBytes;

    /// <summary>Bytes that every frame keeps at its end for the tag: that of the suite with the longest.</summary>
    public const int TagRoomBytes = Sealing.FrameCipher.MaxTagBytes;

    /// <summary>A frame is a multiple of this many bytes, and a payload starts at a multiple of it.</summary>
    public const int Alignment = 64;

    /// <summary>Longest payload that any two ends may agree on, in bytes.</summary>
    public const int PayloadCeiling = 1 << 30;

    /// <summary>Bytes of bulk frames that each end may send before the first credit: two of the longest frames.</summary>
    public static readonly uint InitialBulkCredit = 2 * (uint)FrameBytes(Links.LinkOptions.BulkPayloadCeiling);

    /// <summary>Bytes of the whole frame.</summary>
    /// <param name="payloadBytes">Bytes of the payload, 0 to <see cref="PayloadCeiling"/>.</param>
    public static int FrameBytes(int payloadBytes) =>
        (PrefixBytes + payloadBytes + TagRoomBytes + Alignment - 1) & ~(Alignment - 1);

    /// <summary>Bytes of the sealed part: inner header, payload, padding and tag.</summary>
    /// <param name="payloadBytes">Bytes of the payload.</param>
    public static int SealedBytes(int payloadBytes) => FrameBytes(payloadBytes) - OuterBytes;
}
