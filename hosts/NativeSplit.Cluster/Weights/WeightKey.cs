using System.Security.Cryptography;
using System.Text;

namespace NativeSplit.Cluster.Weights;

/// <summary>A node's key pair that data keys are wrapped to: P-256, for key agreement only. Not the key of its certificate, which signs and changes every day.</summary>
public sealed class WeightKey : IDisposable
{
    private readonly ECDiffieHellman _key;

    private WeightKey(ECDiffieHellman key)
    {
        _key = key;
        PublicText = Convert.ToBase64String(key.PublicKey.ExportSubjectPublicKeyInfo());
    }

    /// <summary>The public key: SubjectPublicKeyInfo (RFC 5480), base64.</summary>
    public string PublicText { get; }

    /// <summary>Makes a key pair.</summary>
    public static WeightKey Create() => new(ECDiffieHellman.Create(ECCurve.NamedCurves.nistP256));

    /// <summary>Takes a key pair that was kept.</summary>
    /// <param name="pem">PKCS#8, PEM.</param>
    /// <exception cref="CryptographicException">It isn't one.</exception>
    /// <exception cref="ArgumentException">It isn't PEM.</exception>
    public static WeightKey FromPem(string pem)
    {
        ECDiffieHellman key = ECDiffieHellman.Create();
        key.ImportFromPem(pem);
        return new WeightKey(key);
    }

    /// <summary>The key pair for keeping: PKCS#8, PEM.</summary>
    public string ToPem() => _key.ExportPkcs8PrivateKeyPem();

    /// <inheritdoc/>
    public void Dispose() => _key.Dispose();

    /// <summary>Reads a public key.</summary>
    /// <param name="text">As in <see cref="PublicText"/>.</param>
    /// <returns>Null when it isn't a key on P-256; the caller owns it.</returns>
    internal static ECDiffieHellman? TryReadPublic(string text)
    {
        ECDiffieHellman key = ECDiffieHellman.Create();
        try
        {
            key.ImportSubjectPublicKeyInfo(Convert.FromBase64String(text), out _);
            if (key.ExportParameters(includePrivateParameters: false).Curve.Oid.Value == ECCurve.NamedCurves.nistP256.Oid.Value)
            {
                return key;
            }
        }
        catch (Exception e) when (e is FormatException or CryptographicException)
        {
            // Said by the null below.
        }

        key.Dispose();
        return null;
    }

    /// <summary>Name of a public key in a registry: the first half of its SHA-256.</summary>
    internal static string IdOf(string publicText) => Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(publicText)).AsSpan(0, 16));

    /// <summary>Unwraps a data key; null when it isn't for us.</summary>
    internal byte[]? TryUnwrap(ReadOnlySpan<byte> info, ReadOnlySpan<byte> wrapped) => Hpke.TryUnwrap(_key, info, wrapped);
}
