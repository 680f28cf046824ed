using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace NativeSplit.Gateway.Http;

/// <summary>The keys that open <c>/v1</c>. Keeps hashes only; compares in a time that tells nothing about them.</summary>
internal sealed class ApiKeyRing
{
    private const string Scheme = "Bearer ";

    private readonly byte[][] _hashes;

    public ApiKeyRing(IReadOnlyList<string> keys) => _hashes = [.. keys.Select(key => SHA256.HashData(Encoding.UTF8.GetBytes(key)))];

    /// <summary>Null if the request may pass.</summary>
    public ApiError? Check(HttpRequest request)
    {
        if (_hashes.Length == 0)
        {
            return null;
        }

        string header = request.Headers.Authorization.ToString();
        if (!header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase))
        {
            return ApiErrors.MissingKey;
        }

        // Hashes have one length whatever the key, and every key is looked at whichever fits.
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes(header[Scheme.Length..].Trim()), hash);
        bool known = false;
        foreach (byte[] key in _hashes)
        {
            known |= CryptographicOperations.FixedTimeEquals(hash, key);
        }

        return known ? null : ApiErrors.WrongKey;
    }
}
