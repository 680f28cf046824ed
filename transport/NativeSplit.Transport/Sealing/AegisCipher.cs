using NSec.Cryptography;

namespace NativeSplit.Transport.Sealing;

/// <summary>AEGIS-128L with a tag of 256 bits, by libsodium.</summary>
/// <param name="key">Shape [16].</param>
/// <param name="iv">Shape [16].</param>
internal sealed class AegisCipher(ReadOnlySpan<byte> key, ReadOnlySpan<byte> iv) : FrameCipher(iv, MaxTagBytes)
{
    private readonly Key _key = Key.Import(AeadAlgorithm.Aegis128L, key, KeyBlobFormat.RawSymmetricKey);

    /// <summary>Whether the native library is there for this platform.</summary>
    public static bool IsSupported { get; } = FindSupported();

    protected override void SealCore(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> associated, Span<byte> sealedPart) =>
        AeadAlgorithm.Aegis128L.Encrypt(_key, nonce, associated, sealedPart[..^MaxTagBytes], sealedPart);

    protected override bool TryOpenCore(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> associated, Span<byte> sealedPart) =>
        AeadAlgorithm.Aegis128L.Decrypt(_key, nonce, associated, sealedPart, sealedPart[..^MaxTagBytes]);

    protected override void DisposeKey() => _key.Dispose();

    // The suite is an offer, so a platform for which no native library is packed simply doesn't make it; what a link uses is told by
    // SealedLink.Suite.
    private static bool FindSupported()
    {
        try
        {
            return AeadAlgorithm.Aegis128L.TagSize == MaxTagBytes;
        }
        catch (Exception e) when (e is TypeInitializationException or DllNotFoundException or PlatformNotSupportedException)
        {
            return false;
        }
    }
}
