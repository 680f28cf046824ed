using System.Security.Cryptography;

namespace NativeSplit.Transport.Sealing;

/// <summary>AES-256-GCM, by the platform's library.</summary>
/// <param name="key">Shape [32].</param>
/// <param name="iv">Shape [12].</param>
internal sealed class AesGcmCipher(ReadOnlySpan<byte> key, ReadOnlySpan<byte> iv) : FrameCipher(iv, Tag)
{
    private const int Tag = 16;

    private readonly AesGcm _aes = new(key, Tag);

    protected override void SealCore(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> associated, Span<byte> sealedPart)
    {
        Span<byte> data = sealedPart[..^Tag];
        _aes.Encrypt(nonce, data, data, sealedPart[^Tag..], associated);
    }

    protected override bool TryOpenCore(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> associated, Span<byte> sealedPart)
    {
        Span<byte> data = sealedPart[..^Tag];
        try
        {
            _aes.Decrypt(nonce, data, sealedPart[^Tag..], data, associated);
            return true;
        }
        catch (AuthenticationTagMismatchException)
        {
            return false;
        }
    }

    protected override void DisposeKey() => _aes.Dispose();
}
