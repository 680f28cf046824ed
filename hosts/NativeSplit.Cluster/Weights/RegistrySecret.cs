using System.Security.Cryptography;
using System.Text;

namespace NativeSplit.Cluster.Weights;

/// <summary>The one secret that every data key of a registry follows from. It lies beside the cluster authority's key; nodes get single data keys, never this.</summary>
/// <remarks>
/// A key follows from the secret, the SHA-256 of the plaintext and the chunk length, so that it seals one text in one way only, and a push that
/// was broken off makes the same bytes again. Equal partitions therefore are equal in storage, and who sees the storage can tell that they are.
/// </remarks>
public sealed class RegistrySecret
{
    /// <summary>Bytes of the secret.</summary>
    public const int Bytes = 32;

    private readonly byte[] _secret;

    /// <summary>Takes a secret that was kept.</summary>
    /// <param name="secret">32 random bytes; copied.</param>
    public RegistrySecret(ReadOnlySpan<byte> secret)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(secret.Length, Bytes, nameof(secret));
        _secret = secret.ToArray();
    }

    /// <summary>Key of a partition: HKDF-SHA256 (RFC 5869) with the plaintext's hash as salt.</summary>
    /// <param name="plainHash">SHA-256 of the plaintext, hexadecimal.</param>
    /// <param name="chunkBytes">Plaintext of a chunk.</param>
    internal byte[] KeyOf(string plainHash, int chunkBytes) => HKDF.DeriveKey(
        HashAlgorithmName.SHA256, _secret, PartitionFormat.KeyBytes, Convert.FromHexString(plainHash), Encoding.ASCII.GetBytes($"nativesplit partition key/1 {chunkBytes}"));
}
