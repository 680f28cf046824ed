using System.Security.Cryptography;
using System.Text;

namespace NativeSplit.Cluster.Weights;

/// <summary>
/// Hybrid public key encryption in base mode, one message per key exchange, with the suite DHKEM(P-256, HKDF-SHA256), HKDF-SHA256, AES-256-GCM:
/// how a data key is wrapped to a node's public key.
/// </summary>
/// <remarks>RFC 9180, sections 4, 5.1.1 and 6.1. Whoever knows the public key can wrap to it: this hides, it doesn't tell who wrapped.</remarks>
internal static class Hpke
{
    /// <summary>Bytes of an encapsulated key: an uncompressed point.</summary>
    public const int EncapsulatedBytes = 65;

    /// <summary>Bytes that wrapping adds.</summary>
    public const int Overhead = EncapsulatedBytes + TagBytes;

    private const int TagBytes = 16;
    private const int HashBytes = 32;
    private const int CoordinateBytes = 32;
    private const int KeyBytes = 32;
    private const int NonceBytes = 12;

    private static readonly byte[] KemSuite = [.. "KEM"u8, 0x00, 0x10];
    private static readonly byte[] Suite = [.. "HPKE"u8, 0x00, 0x10, 0x00, 0x01, 0x00, 0x02];

    /// <summary>Wraps a text to a public key.</summary>
    /// <param name="recipient">Public key on P-256.</param>
    /// <param name="info">What it is for; both ends must say the same.</param>
    /// <param name="text">The text.</param>
    /// <returns>Encapsulated key, ciphertext and tag, one behind the other.</returns>
    public static byte[] Wrap(ECDiffieHellmanPublicKey recipient, ReadOnlySpan<byte> info, ReadOnlySpan<byte> text)
    {
        using var ephemeral = ECDiffieHellman.Create(ECCurve.NamedCurves.nistP256);
        byte[] enc = PointOf(ephemeral.PublicKey);
        byte[] wrapped = new byte[Overhead + text.Length];
        enc.CopyTo(wrapped, 0);
        (byte[] key, byte[] nonce) = Schedule(ephemeral, recipient, enc, PointOf(recipient), info);
        using var aes = new AesGcm(key, TagBytes);
        aes.Encrypt(nonce, text, wrapped.AsSpan(EncapsulatedBytes, text.Length), wrapped.AsSpan(wrapped.Length - TagBytes));
        CryptographicOperations.ZeroMemory(key);
        return wrapped;
    }

    /// <summary>Unwraps a text. Null when it wasn't wrapped to this key for this purpose, or was changed.</summary>
    /// <param name="recipient">Private key on P-256.</param>
    /// <param name="info">What it is for.</param>
    /// <param name="wrapped">What <see cref="Wrap"/> gave.</param>
    public static byte[]? TryUnwrap(ECDiffieHellman recipient, ReadOnlySpan<byte> info, ReadOnlySpan<byte> wrapped)
    {
        if (wrapped.Length < Overhead || wrapped[0] != 4)
        {
            return null;
        }

        byte[] enc = wrapped[..EncapsulatedBytes].ToArray();
        byte[] text = new byte[wrapped.Length - Overhead];
        try
        {
            // The import refuses a point that isn't on the curve, as section 7.1.4 wants.
            using var sender = ECDiffieHellman.Create(new ECParameters
            {
                Curve = ECCurve.NamedCurves.nistP256,
                Q = new ECPoint { X = enc[1..(1 + CoordinateBytes)], Y = enc[(1 + CoordinateBytes)..] },
            });
            (byte[] key, byte[] nonce) = Schedule(recipient, sender.PublicKey, enc, PointOf(recipient.PublicKey), info);
            using var aes = new AesGcm(key, TagBytes);
            aes.Decrypt(nonce, wrapped[EncapsulatedBytes..^TagBytes], wrapped[^TagBytes..], text);
            CryptographicOperations.ZeroMemory(key);
            return text;
        }
        catch (CryptographicException)
        {
            return null;
        }
    }

    /// <summary>Key and nonce of the one message.</summary>
    private static (byte[] Key, byte[] Nonce) Schedule(ECDiffieHellman own, ECDiffieHellmanPublicKey other, byte[] enc, byte[] recipientPoint, ReadOnlySpan<byte> info)
    {
        byte[] dh = own.DeriveRawSecretAgreement(other);
        byte[] eaePrk = Extract(KemSuite, [], "eae_prk", dh);
        byte[] shared = Expand(KemSuite, eaePrk, "shared_secret", [.. enc, .. recipientPoint], HashBytes);
        byte[] context = [0, .. Extract(Suite, [], "psk_id_hash", []), .. Extract(Suite, [], "info_hash", info)];
        byte[] secret = Extract(Suite, shared, "secret", []);
        byte[] key = Expand(Suite, secret, "key", context, KeyBytes);
        byte[] nonce = Expand(Suite, secret, "base_nonce", context, NonceBytes);
        foreach (byte[] done in (byte[][])[dh, eaePrk, shared, secret])
        {
            CryptographicOperations.ZeroMemory(done);
        }

        return (key, nonce);
    }

    private static byte[] Extract(byte[] suite, byte[] salt, string label, ReadOnlySpan<byte> input) =>
        HKDF.Extract(HashAlgorithmName.SHA256, [.. "HPKE-v1"u8, .. suite, .. Encoding.ASCII.GetBytes(label), .. input], salt);

    private static byte[] Expand(byte[] suite, byte[] secret, string label, byte[] info, int length) =>
        HKDF.Expand(HashAlgorithmName.SHA256, secret, length, [0, (byte)length, .. "HPKE-v1"u8, .. suite, .. Encoding.ASCII.GetBytes(label), .. info]);

    private static byte[] PointOf(ECDiffieHellmanPublicKey key)
    {
        ECPoint point = key.ExportParameters().Q;
        return [4, .. point.X!, .. point.Y!];
    }
}
