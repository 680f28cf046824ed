using System.Security.Cryptography;
using NativeSplit.Placement;

namespace NativeSplit.Cluster.Identity;

/// <summary>Tokens given out and not yet used. Keeps only the hash of each secret. Thread-safe.</summary>
public sealed class JoinTokenStore
{
    /// <summary>How long a token may be used unless said otherwise.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromHours(1);

    /// <summary>Longest life of a token.</summary>
    public static readonly TimeSpan LongestLifetime = TimeSpan.FromDays(7);

    private const int IdCharacters = 12;

    private readonly ClusterRegistry _registry;
    private readonly ReadOnlyMemory<byte> _authorityHash;
    private readonly TimeProvider _time;

    /// <summary>Opens the store.</summary>
    /// <param name="authority">Authority whose hash the tokens carry.</param>
    /// <param name="time">Clock for expiry.</param>
    /// <param name="registry">Where the tokens are kept; null: in memory.</param>
    public JoinTokenStore(ClusterAuthority authority, TimeProvider time, ClusterRegistry? registry = null)
    {
        ArgumentNullException.ThrowIfNull(authority);
        ArgumentNullException.ThrowIfNull(time);
        _authorityHash = authority.Hash;
        _time = time;
        _registry = registry ?? new ClusterRegistry();
    }

    /// <summary>Makes a token that lets one node join under one name, once.</summary>
    /// <param name="node">The name.</param>
    /// <param name="lifetime">How long it may be used, at most <see cref="LongestLifetime"/>; null: <see cref="Lifetime"/>.</param>
    /// <param name="isTrusted">Whether the node becomes a trusted one when it joins with the token, or else an untrusted one, whatever it was.</param>
    public JoinToken Create(NodeId node, TimeSpan? lifetime = null, bool isTrusted = false)
    {
        TimeSpan life = lifetime ?? Lifetime;
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(life, TimeSpan.Zero, nameof(lifetime));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(life, LongestLifetime, nameof(lifetime));
        byte[] secret = RandomNumberGenerator.GetBytes(JoinToken.SecretBytes);
        string hash = HashOf(secret);
        DateTimeOffset now = _time.GetUtcNow();
        var token = new OpenToken(hash[..IdCharacters], hash, node.ToString(), now + life, isTrusted);
        _registry.Change(content =>
        {
            RegistryContent current = content.At(now);
            return (current with { Tokens = [.. current.Tokens, token] }, true);
        });
        return new JoinToken(_authorityHash, secret);
    }

    /// <summary>Tokens that can still be used, in the order they were made.</summary>
    public IReadOnlyList<OpenToken> List() => _registry.Read().At(_time.GetUtcNow()).Tokens;

    /// <summary>Takes a token back.</summary>
    /// <param name="id">Its id.</param>
    /// <returns>False when no open token has that id.</returns>
    public bool Revoke(string id) => _registry.Change(content =>
    {
        OpenToken[] left = [.. content.Tokens.Where(token => token.Id != id)];
        return (content with { Tokens = left }, left.Length < content.Tokens.Count);
    });

    /// <summary>Uses a secret up.</summary>
    /// <param name="secret">The secret a peer sent.</param>
    /// <param name="node">Name it was made for.</param>
    /// <param name="isTrusted">Whether it was made for a trusted node.</param>
    /// <returns>False when it is unknown, used, taken back, or too old; a peer must not learn which.</returns>
    public bool TryRedeem(ReadOnlySpan<byte> secret, out NodeId node, out bool isTrusted)
    {
        // What is compared is a hash, so the look-up's timing tells nothing of the secret.
        string hash = HashOf(secret);
        DateTimeOffset now = _time.GetUtcNow();
        OpenToken? redeemed = _registry.Change(content =>
        {
            RegistryContent current = content.At(now);
            OpenToken? token = current.Tokens.FirstOrDefault(open => open.SecretHash == hash);
            current = current with { Tokens = [.. current.Tokens.Where(open => open.SecretHash != hash)] };
            return (token is null ? current : current.WithTrust(token.Node, token.Trusted), token);
        });
        bool valid = redeemed is not null && NodeId.IsValid(redeemed.Node);
        node = valid ? new NodeId(redeemed!.Node) : default;
        isTrusted = valid && redeemed!.Trusted;
        return valid;
    }

    private static string HashOf(ReadOnlySpan<byte> secret) => Convert.ToHexStringLower(SHA256.HashData(secret));
}
