using System.Security.Cryptography;

namespace NativeSplit.Transport.Sealing;

/// <summary>ChaCha20-Poly1305, by the platform's library.</summary>
/// <param name="key">Shape [32].</param>
/// <param name="iv">Shape [12].</param>
internal sealed class ChaChaCipher(ReadOnlySpan<byte> key, ReadOnlySpan<byte> iv) : FrameCipher(iv, Tag)
{
    private const int Tag = 16;

    private readonly ChaCha20Poly1305 _chacha = new(key);

    protected override void SealCore(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> associated, Span<byte> sealedPart)
    {
        Span<byte> data = sealedPart[..^Tag];
        _chacha.Encrypt(nonce, data, data, sealedPart[^Tag..], associated);
    }

    protected override bool TryOpenCore(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> associated, Span<byte> sealedPart)
    {
        Span<byte> data = sealedPart[..^Tag];
        try
        {
            _chacha.Decrypt(nonce, data, sealedPart[^Tag..], data, associated);
            return true;
        }
        catch (AuthenticationTagMismatchException)
        {
            return false;
        }
    }

    protected override void DisposeKey() => _chacha.Dispose();
}
