using System.Buffers.Binary;
using System.Security.Cryptography;

namespace NativeSplit.Cluster.Weights;

/// <summary>
/// How a partition lies in storage: a header of 32 bytes, then chunks of AES-256-GCM, each with its tag. A chunk's nonce is its number and
/// whether it is the last one, its additional data is the header: the STREAM construction, in which chunks can't be exchanged, repeated,
/// left out or cut off at the end.
/// </summary>
/// <remarks>Hoang, Reyhanitabar, Rogaway and Vizár 2015, "Online Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance", section 7. A key seals one partition only.</remarks>
internal static class PartitionFormat
{
    /// <summary>Bytes of the header.</summary>
    public const int HeaderBytes = 32;

    /// <summary>Bytes of a tag.</summary>
    public const int TagBytes = 16;

    /// <summary>Bytes of a key.</summary>
    public const int KeyBytes = 32;

    /// <summary>Bytes of plaintext in a chunk, as written today.</summary>
    public const int ChunkBytes = 1 << 20;

    /// <summary>Longest chunk that is read.</summary>
    public const int MaxChunkBytes = 1 << 24;

    /// <summary>Bytes of a nonce: zeros, number of the chunk as u32 big-endian, 1 for the last chunk.</summary>
    private const int NonceBytes = 12;

    private const byte Version = 1;

    /// <summary>"NSWP".</summary>
    private static ReadOnlySpan<byte> Magic => "NSWP"u8;

    /// <summary>Bytes that a partition takes in storage.</summary>
    public static long SealedBytes(long plainBytes, int chunkBytes) => HeaderBytes + plainBytes + (TagBytes * Chunks(plainBytes, chunkBytes));

    /// <summary>Chunks of a partition: one at least.</summary>
    public static long Chunks(long plainBytes, int chunkBytes) => Math.Max(1, (plainBytes + chunkBytes - 1) / chunkBytes);

    /// <summary>Writes the header.</summary>
    public static byte[] Header(long plainBytes, int chunkBytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(plainBytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(Chunks(plainBytes, chunkBytes), uint.MaxValue, nameof(plainBytes));
        byte[] header = new byte[HeaderBytes];
        Magic.CopyTo(header);
        header[4] = Version;
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(8), chunkBytes);
        BinaryPrimitives.WriteInt64LittleEndian(header.AsSpan(16), plainBytes);
        return header;
    }

    /// <summary>Seals a chunk in place: its plaintext becomes ciphertext, and the tag follows.</summary>
    /// <param name="key">Key of the partition.</param>
    /// <param name="header">Header of the partition.</param>
    /// <param name="number">Number of the chunk.</param>
    /// <param name="isLast">Whether it is the last.</param>
    /// <param name="chunk">Plaintext, and room for the tag. Shape [plaintext + 16].</param>
    public static void Seal(AesGcm key, ReadOnlySpan<byte> header, long number, bool isLast, Span<byte> chunk)
    {
        Span<byte> nonce = stackalloc byte[NonceBytes];
        WriteNonce(number, isLast, nonce);
        Span<byte> text = chunk[..^TagBytes];
        key.Encrypt(nonce, text, text, chunk[^TagBytes..], header);
    }

    /// <summary>Opens a chunk in place. False when it isn't that chunk of that partition; its plaintext is then wiped.</summary>
    /// <param name="key">Key of the partition.</param>
    /// <param name="header">Header of the partition.</param>
    /// <param name="number">Number of the chunk.</param>
    /// <param name="isLast">Whether it is the last.</param>
    /// <param name="chunk">Ciphertext and tag. Shape [plaintext + 16].</param>
    public static bool TryOpen(AesGcm key, ReadOnlySpan<byte> header, long number, bool isLast, Span<byte> chunk)
    {
        Span<byte> nonce = stackalloc byte[NonceBytes];
        WriteNonce(number, isLast, nonce);
        Span<byte> text = chunk[..^TagBytes];
        try
        {
            key.Decrypt(nonce, text, chunk[^TagBytes..], text, header);
            return true;
        }
        catch (AuthenticationTagMismatchException)
        {
            CryptographicOperations.ZeroMemory(text);
            return false;
        }
    }

    private static void WriteNonce(long number, bool isLast, Span<byte> nonce)
    {
        nonce.Clear();
        BinaryPrimitives.WriteUInt32BigEndian(nonce[7..], checked((uint)number));
        nonce[11] = isLast ? (byte)1 : (byte)0;
    }
}
