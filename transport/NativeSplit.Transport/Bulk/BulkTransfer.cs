using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace NativeSplit.Transport.Bulk;

/// <summary>Something large under one name: how long it is, and what it must hash to.</summary>
/// <remarks>The name is for the owners of the link to agree on. It is printable ASCII without blanks; it may look like a path, and must not be used as one unchecked.</remarks>
public sealed record BulkTransfer
{
    /// <summary>Most characters of a name.</summary>
    public const int MaxNameCharacters = 255;

    /// <summary>Most bytes of a transfer: 2^50.</summary>
    public const long MaxLength = 1L << 50;

    /// <summary>Describes a transfer.</summary>
    /// <param name="name">Its name: 1 to <see cref="MaxNameCharacters"/> printable ASCII characters.</param>
    /// <param name="length">Its bytes: 0 to <see cref="MaxLength"/>.</param>
    /// <param name="sha256">SHA-256 of all of them. Copied.</param>
    /// <exception cref="ArgumentException">Any of these is out of its range.</exception>
    public BulkTransfer(string name, long length, ReadOnlySpan<byte> sha256)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, MaxLength);
        ArgumentOutOfRangeException.ThrowIfNotEqual(sha256.Length, SHA256.HashSizeInBytes);
        if (name.Length > MaxNameCharacters || name.AsSpan().ContainsAnyExceptInRange('!', '~'))
        {
            throw new ArgumentException($"'{name}' isn't a name of 1 to {MaxNameCharacters} printable ASCII characters without blanks.", nameof(name));
        }

        Name = name;
        Length = length;
        Sha256 = sha256.ToArray();
    }

    /// <summary>Its name.</summary>
    public string Name { get; }

    /// <summary>Its bytes.</summary>
    public long Length { get; }

    /// <summary>SHA-256 of all of them.</summary>
    public ReadOnlyMemory<byte> Sha256 { get; }

    /// <summary>Describes what a stream holds, from its position to its end.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="content">Readable. Read to its end, a piece at a time.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    public static async Task<BulkTransfer> DescribeAsync(string name, Stream content, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(content);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] piece = new byte[64 << 10];
        long length = 0;
        while (await content.ReadAsync(piece, cancellationToken).ConfigureAwait(false) is > 0 and int read)
        {
            hash.AppendData(piece.AsSpan(0, read));
            length += read;
        }

        return new BulkTransfer(name, length, hash.GetHashAndReset());
    }

    /// <summary>Same name, length and hash.</summary>
    public bool Equals(BulkTransfer? other) =>
        other is not null && Name == other.Name && Length == other.Length && Sha256.Span.SequenceEqual(other.Sha256.Span);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Name, Length, BinaryPrimitives.ReadInt32LittleEndian(Sha256.Span));
}

/// <summary>Payloads of the bulk frames of a transfer (docs/wire.md, section 5.2).</summary>
internal static class BulkPayload
{
    /// <summary>First four bytes of a begin, "NSTB" read as a little-endian number.</summary>
    public const uint BeginMagic = 0x4254_534E;

    /// <summary>First four bytes of data, "NSTD".</summary>
    public const uint DataMagic = 0x4454_534E;

    /// <summary>Offset of the magic, 4 bytes.</summary>
    public const int MagicOffset = 0;

    /// <summary>Offset of the characters of the name in a begin, of zero in data; 4 bytes.</summary>
    public const int NameCharactersOffset = 4;

    /// <summary>Offset of where the data goes on, 8 bytes.</summary>
    public const int PositionOffset = 8;

    /// <summary>Offset of the data itself.</summary>
    public const int DataOffset = 16;

    /// <summary>Offset of the length of the transfer, 8 bytes.</summary>
    public const int LengthOffset = 16;

    /// <summary>Offset of the SHA-256, 32 bytes.</summary>
    public const int HashOffset = 24;

    /// <summary>Offset of the name.</summary>
    public const int NameOffset = HashOffset + SHA256.HashSizeInBytes;

    /// <summary>Writes a begin.</summary>
    public static byte[] Begin(BulkTransfer transfer, long position)
    {
        byte[] payload = new byte[NameOffset + transfer.Name.Length];
        BinaryPrimitives.WriteUInt32LittleEndian(payload.AsSpan(MagicOffset), BeginMagic);
        BinaryPrimitives.WriteInt32LittleEndian(payload.AsSpan(NameCharactersOffset), transfer.Name.Length);
        BinaryPrimitives.WriteInt64LittleEndian(payload.AsSpan(PositionOffset), position);
        BinaryPrimitives.WriteInt64LittleEndian(payload.AsSpan(LengthOffset), transfer.Length);
        transfer.Sha256.Span.CopyTo(payload.AsSpan(HashOffset));
        Encoding.ASCII.GetBytes(transfer.Name, payload.AsSpan(NameOffset));
        return payload;
    }

    /// <summary>Reads a begin. False when the payload isn't one; nothing is allocated before all of it is judged.</summary>
    public static bool TryReadBegin(ReadOnlySpan<byte> payload, out BulkTransfer? transfer, out long position)
    {
        (transfer, position) = (null, 0);
        if (payload.Length is <= NameOffset or > NameOffset + BulkTransfer.MaxNameCharacters
            || BinaryPrimitives.ReadUInt32LittleEndian(payload[MagicOffset..]) != BeginMagic
            || BinaryPrimitives.ReadUInt32LittleEndian(payload[NameCharactersOffset..]) != (uint)(payload.Length - NameOffset)
            || payload[NameOffset..].ContainsAnyExceptInRange((byte)'!', (byte)'~'))
        {
            return false;
        }

        ulong length = BinaryPrimitives.ReadUInt64LittleEndian(payload[LengthOffset..]);
        ulong from = BinaryPrimitives.ReadUInt64LittleEndian(payload[PositionOffset..]);
        if (length > BulkTransfer.MaxLength || from > length)
        {
            return false;
        }

        position = (long)from;
        transfer = new BulkTransfer(Encoding.ASCII.GetString(payload[NameOffset..]), (long)length, payload[HashOffset..NameOffset]);
        return true;
    }

    /// <summary>Reads data. False when the payload isn't some.</summary>
    public static bool TryReadData(ReadOnlySpan<byte> payload, out ulong position)
    {
        position = 0;
        if (payload.Length <= DataOffset
            || BinaryPrimitives.ReadUInt32LittleEndian(payload[MagicOffset..]) != DataMagic
            || BinaryPrimitives.ReadUInt32LittleEndian(payload[NameCharactersOffset..]) != 0)
        {
            return false;
        }

        position = BinaryPrimitives.ReadUInt64LittleEndian(payload[PositionOffset..]);
        return true;
    }
}
