using System.Buffers.Binary;
using System.Security.Cryptography;

namespace NativeSplit.Transport.Sealing;

/// <summary>AES-256-GCM under one key of one direction, in place. Not safe for concurrent use.</summary>
/// <remarks>
/// Nonce = IV XOR (four zero bytes, then the sequence big-endian), as RFC 8446, section 5.3. A sequence is used once per key,
/// so a nonce never comes twice. Allocates nothing per call, except when a seal is broken.
/// </remarks>
internal sealed class FrameCipher : IDisposable
{
    /// <summary>Bytes of the key.</summary>
    public const int KeyBytes = 32;

    /// <summary>Bytes of the IV and of the nonce.</summary>
    public const int IvBytes = 12;

    private readonly AesGcm _aes;
    private readonly byte[] _iv;

    /// <summary>Makes the cipher. Copies both arguments; the caller wipes its own.</summary>
    /// <param name="key">Shape [32].</param>
    /// <param name="iv">Shape [12].</param>
    public FrameCipher(ReadOnlySpan<byte> key, ReadOnlySpan<byte> iv)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(key.Length, KeyBytes);
        ArgumentOutOfRangeException.ThrowIfNotEqual(iv.Length, IvBytes);
        _aes = new AesGcm(key, Frames.FrameLayout.TagBytes);
        _iv = GC.AllocateUninitializedArray<byte>(IvBytes, pinned: true);
        iv.CopyTo(_iv);
    }

    /// <summary>Encrypts in place and writes the tag.</summary>
    /// <param name="sequence">Sequence of the frame; never the same twice.</param>
    /// <param name="associated">Clear, authenticated bytes.</param>
    /// <param name="data">Plaintext in, ciphertext out.</param>
    /// <param name="tag">Shape [16].</param>
    public void Seal(ulong sequence, ReadOnlySpan<byte> associated, Span<byte> data, Span<byte> tag)
    {
        Span<byte> nonce = stackalloc byte[IvBytes];
        WriteNonce(_iv, sequence, nonce);
        _aes.Encrypt(nonce, data, data, tag, associated);
    }

    /// <summary>Decrypts in place. False when the seal is broken; the data is then wiped.</summary>
    /// <param name="sequence">Sequence of the frame.</param>
    /// <param name="associated">Clear, authenticated bytes.</param>
    /// <param name="data">Ciphertext in, plaintext out.</param>
    /// <param name="tag">Shape [16].</param>
    public bool TryOpen(ulong sequence, ReadOnlySpan<byte> associated, Span<byte> data, ReadOnlySpan<byte> tag)
    {
        Span<byte> nonce = stackalloc byte[IvBytes];
        WriteNonce(_iv, sequence, nonce);
        try
        {
            _aes.Decrypt(nonce, data, tag, data, associated);
            return true;
        }
        catch (AuthenticationTagMismatchException)
        {
            CryptographicOperations.ZeroMemory(data);
            return false;
        }
    }

    /// <summary>Nonce of a frame.</summary>
    /// <param name="iv">Shape [12].</param>
    /// <param name="sequence">Sequence of the frame.</param>
    /// <param name="nonce">Shape [12]. May be <paramref name="iv"/> itself.</param>
    public static void WriteNonce(ReadOnlySpan<byte> iv, ulong sequence, Span<byte> nonce)
    {
        const int fixedBytes = IvBytes - sizeof(ulong);
        iv[..fixedBytes].CopyTo(nonce);
        BinaryPrimitives.WriteUInt64BigEndian(nonce[fixedBytes..], BinaryPrimitives.ReadUInt64BigEndian(iv[fixedBytes..]) ^ sequence);
    }

    /// <summary>Frees the key and wipes the IV.</summary>
    public void Dispose()
    {
        _aes.Dispose();
        CryptographicOperations.ZeroMemory(_iv);
    }
}
