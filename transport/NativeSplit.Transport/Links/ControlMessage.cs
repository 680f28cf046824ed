using System.Buffers.Binary;
using NativeSplit.Transport.Sealing;

namespace NativeSplit.Transport.Links;

/// <summary>What a message on the control connection says.</summary>
internal enum ControlKind : uint
{
    /// <summary>The sender of frames offers a secret for the next key of its direction.</summary>
    KeyOffer = 1,

    /// <summary>The receiver of those frames adds its own secret; it has the next key ready.</summary>
    KeyAnswer = 2,

    /// <summary>Are you there?</summary>
    Ping = 3,

    /// <summary>Yes.</summary>
    Pong = 4,
}

/// <summary>A message on the control connection after the hellos (docs/wire.md, section 3.8): fixed size, little-endian.</summary>
internal static class ControlMessage
{
    /// <summary>First four bytes, "NSCM" read as a little-endian number.</summary>
    public const uint Magic = 0x4D43_534E;

    /// <summary>Offset of the magic, 4 bytes.</summary>
    public const int MagicOffset = 0;

    /// <summary>Offset of the kind, 4 bytes.</summary>
    public const int KindOffset = 4;

    /// <summary>Offset of the number, 8 bytes: the next key phase, or the number of a ping.</summary>
    public const int NumberOffset = 8;

    /// <summary>Offset of the secret, 32 bytes; zero in pings and pongs.</summary>
    public const int SecretOffset = 16;

    /// <summary>Bytes in all.</summary>
    public const int Bytes = SecretOffset + LinkKeys.SecretBytes;

    /// <summary>Writes a message.</summary>
    /// <param name="kind">What it says.</param>
    /// <param name="number">Its number.</param>
    /// <param name="secret">Shape [32], or empty.</param>
    /// <param name="destination">Shape [<see cref="Bytes"/>].</param>
    public static void Format(ControlKind kind, ulong number, ReadOnlySpan<byte> secret, Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(destination[MagicOffset..], Magic);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[KindOffset..], (uint)kind);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[NumberOffset..], number);
        destination[SecretOffset..].Clear();
        secret.CopyTo(destination[SecretOffset..]);
    }

    /// <summary>Reads and judges a message. False when it breaks the grammar.</summary>
    /// <param name="source">Shape [<see cref="Bytes"/>].</param>
    /// <param name="kind">What it says.</param>
    /// <param name="number">Its number.</param>
    public static bool TryParse(ReadOnlySpan<byte> source, out ControlKind kind, out ulong number)
    {
        kind = (ControlKind)BinaryPrimitives.ReadUInt32LittleEndian(source[KindOffset..]);
        number = BinaryPrimitives.ReadUInt64LittleEndian(source[NumberOffset..]);
        bool hasSecret = kind is ControlKind.KeyOffer or ControlKind.KeyAnswer;
        return BinaryPrimitives.ReadUInt32LittleEndian(source[MagicOffset..]) == Magic
            && kind is >= ControlKind.KeyOffer and <= ControlKind.Pong
            && (hasSecret || !source[SecretOffset..Bytes].ContainsAnyExcept((byte)0));
    }
}
