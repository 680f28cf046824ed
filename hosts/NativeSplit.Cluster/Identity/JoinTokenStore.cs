using System.Security.Cryptography;
using NativeSplit.Placement;

namespace NativeSplit.Cluster.Identity;

/// <summary>Tokens given out and not yet used. Keeps only the hash of each secret. Thread-safe.</summary>
public sealed class JoinTokenStore
{
    /// <summary>How long a token may be used.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromHours(1);

    private readonly Lock _gate = new();
    private readonly Dictionary<string, (NodeId Node, DateTimeOffset Expiry)> _open = [];
    private readonly ReadOnlyMemory<byte> _authorityHash;
    private readonly TimeProvider _time;

    /// <summary>Starts an empty store.</summary>
    /// <param name="authority">Authority whose hash the tokens carry.</param>
    /// <param name="time">Clock for expiry.</param>
    public JoinTokenStore(ClusterAuthority authority, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(authority);
        ArgumentNullException.ThrowIfNull(time);
        _authorityHash = authority.Hash;
        _time = time;
    }

    /// <summary>Makes a token that lets one node join under one name, once, within <see cref="Lifetime"/>.</summary>
    public JoinToken Create(NodeId node)
    {
        byte[] secret = RandomNumberGenerator.GetBytes(JoinToken.SecretBytes);
        lock (_gate)
        {
            _open[KeyOf(secret)] = (node, _time.GetUtcNow() + Lifetime);
        }

        return new JoinToken(_authorityHash, secret);
    }

    /// <summary>Uses a secret up.</summary>
    /// <param name="secret">The secret a peer sent.</param>
    /// <param name="node">Name it was made for.</param>
    /// <returns>False when it is unknown, used, or too old; a peer must not learn which.</returns>
    public bool TryRedeem(ReadOnlySpan<byte> secret, out NodeId node)
    {
        lock (_gate)
        {
            // The key is a hash, so the look-up's timing tells nothing of the secret.
            bool known = _open.Remove(KeyOf(secret), out var entry);
            node = entry.Node;
            return known && _time.GetUtcNow() < entry.Expiry;
        }
    }

    private static string KeyOf(ReadOnlySpan<byte> secret) => Convert.ToHexStringLower(SHA256.HashData(secret));
}
