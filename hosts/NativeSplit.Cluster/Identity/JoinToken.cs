using System.Buffers.Text;
using System.Security.Cryptography;

namespace NativeSplit.Cluster.Identity;

/// <summary>What an operator carries to a new worker: the hash of the authority to believe, and a secret that works once. Text form <c>nsj1.HASH.SECRET</c>.</summary>
/// <param name="AuthorityHash">SHA-256 of the authority's certificate.</param>
/// <param name="Secret">32 random bytes.</param>
public sealed record JoinToken(ReadOnlyMemory<byte> AuthorityHash, ReadOnlyMemory<byte> Secret)
{
    /// <summary>Bytes of a secret.</summary>
    public const int SecretBytes = 32;

    private const string Prefix = "nsj1";

    /// <summary>Reads the text form.</summary>
    /// <exception cref="ClusterException"><see cref="ClusterFault.BadToken"/>: it has another form.</exception>
    public static JoinToken Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        string[] parts = text.Trim().Split('.');
        if (parts.Length == 3 && parts[0] == Prefix && TryDecode(parts[1], out byte[] hash) && TryDecode(parts[2], out byte[] secret))
        {
            return new JoinToken(hash, secret);
        }

        throw new ClusterException(ClusterFault.BadToken, $"The join token isn't of the form {Prefix}.HASH.SECRET; copy the whole token that the gateway printed.");
    }

    /// <summary>The text form. It contains the secret: show it once, to the operator.</summary>
    public string ToText() => $"{Prefix}.{Base64Url.EncodeToString(AuthorityHash.Span)}.{Base64Url.EncodeToString(Secret.Span)}";

    /// <summary>Never the secret.</summary>
    public override string ToString() => $"{Prefix}.{Base64Url.EncodeToString(AuthorityHash.Span)}.(secret)";

    private static bool TryDecode(string text, out byte[] bytes)
    {
        bytes = new byte[SHA256.HashSizeInBytes];
        return Base64Url.IsValid(text, out int length) && length == bytes.Length && Base64Url.TryDecodeFromChars(text, bytes, out _);
    }
}
