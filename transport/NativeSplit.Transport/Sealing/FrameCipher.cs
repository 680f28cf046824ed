using System.Buffers.Binary;
using System.Security.Cryptography;

namespace NativeSplit.Transport.Sealing;

/// <summary>An AEAD under one key of one direction, in place. Not safe for concurrent use.</summary>
/// <remarks>
/// Nonce = IV XOR (zero bytes, then the sequence big-endian), as RFC 8446, section 5.3. A sequence is used once per key, so a nonce
/// never comes twice. Allocates nothing per call, except when a seal is broken.
/// </remarks>
internal abstract class FrameCipher : IDisposable
{
    /// <summary>Longest tag of any suite, in bytes: every frame keeps that much room.</summary>
    public const int MaxTagBytes = 32;

    private const int MaxNonceBytes = 16;

    private readonly byte[] _iv;

    /// <summary>Copies the IV; the caller wipes its own.</summary>
    /// <param name="iv">The suite's IV.</param>
    /// <param name="tagBytes">Bytes of the suite's tag.</param>
    protected FrameCipher(ReadOnlySpan<byte> iv, int tagBytes)
    {
        _iv = GC.AllocateUninitializedArray<byte>(iv.Length, pinned: true);
        iv.CopyTo(_iv);
        TagBytes = tagBytes;
    }

    /// <summary>Bytes of the tag.</summary>
    public int TagBytes { get; }

    /// <summary>Bytes of a suite's key.</summary>
    /// <param name="suite">One suite.</param>
    public static int KeyBytes(CipherSuites suite) => suite == CipherSuites.Aegis128L ? 16 : 32;

    /// <summary>Bytes of a suite's IV and nonce.</summary>
    /// <param name="suite">One suite.</param>
    public static int IvBytes(CipherSuites suite) => suite == CipherSuites.Aegis128L ? 16 : 12;

    /// <summary>Makes the cipher of a suite. Copies key and IV; the caller wipes its own.</summary>
    /// <param name="suite">One suite that this machine supports.</param>
    /// <param name="key">Shape [<see cref="KeyBytes"/>].</param>
    /// <param name="iv">Shape [<see cref="IvBytes"/>].</param>
    public static FrameCipher Create(CipherSuites suite, ReadOnlySpan<byte> key, ReadOnlySpan<byte> iv)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(key.Length, KeyBytes(suite));
        ArgumentOutOfRangeException.ThrowIfNotEqual(iv.Length, IvBytes(suite));
        return suite switch
        {
            CipherSuites.Aes256Gcm => new AesGcmCipher(key, iv),
            CipherSuites.Aegis128L => new AegisCipher(key, iv),
            CipherSuites.ChaCha20Poly1305 => new ChaChaCipher(key, iv),
            _ => throw new ArgumentOutOfRangeException(nameof(suite), suite, "Not one suite."),
        };
    }

    /// <summary>Encrypts in place and writes the tag.</summary>
    /// <param name="sequence">Sequence of the frame; never the same twice.</param>
    /// <param name="associated">Clear, authenticated bytes.</param>
    /// <param name="sealedPart">Plaintext and then room for the tag in; ciphertext and tag out.</param>
    public void Seal(ulong sequence, ReadOnlySpan<byte> associated, Span<byte> sealedPart)
    {
        Span<byte> nonce = stackalloc byte[MaxNonceBytes];
        nonce = nonce[.._iv.Length];
        WriteNonce(_iv, sequence, nonce);
        SealCore(nonce, associated, sealedPart);
    }

    /// <summary>Decrypts in place. False when the seal is broken; all of it is then wiped.</summary>
    /// <param name="sequence">Sequence of the frame.</param>
    /// <param name="associated">Clear, authenticated bytes.</param>
    /// <param name="sealedPart">Ciphertext and tag in; plaintext and tag out.</param>
    public bool TryOpen(ulong sequence, ReadOnlySpan<byte> associated, Span<byte> sealedPart)
    {
        Span<byte> nonce = stackalloc byte[MaxNonceBytes];
        nonce = nonce[.._iv.Length];
        WriteNonce(_iv, sequence, nonce);
        if (TryOpenCore(nonce, associated, sealedPart))
        {
            return true;
        }

        CryptographicOperations.ZeroMemory(sealedPart);
        return false;
    }

    /// <summary>Nonce of a frame.</summary>
    /// <param name="iv">The IV, at least 8 bytes.</param>
    /// <param name="sequence">Sequence of the frame.</param>
    /// <param name="nonce">As long as the IV. May be <paramref name="iv"/> itself.</param>
    public static void WriteNonce(ReadOnlySpan<byte> iv, ulong sequence, Span<byte> nonce)
    {
        int fixedBytes = iv.Length - sizeof(ulong);
        iv[..fixedBytes].CopyTo(nonce);
        BinaryPrimitives.WriteUInt64BigEndian(nonce[fixedBytes..], BinaryPrimitives.ReadUInt64BigEndian(iv[fixedBytes..]) ^ sequence);
    }

    /// <summary>Frees the key and wipes the IV.</summary>
    public void Dispose()
    {
        DisposeKey();
        CryptographicOperations.ZeroMemory(_iv);
    }

    /// <summary>The suite's own encryption; arguments are checked.</summary>
    protected abstract void SealCore(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> associated, Span<byte> sealedPart);

    /// <summary>The suite's own decryption; arguments are checked.</summary>
    protected abstract bool TryOpenCore(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> associated, Span<byte> sealedPart);

    /// <summary>Frees the key.</summary>
    protected abstract void DisposeKey();
}
