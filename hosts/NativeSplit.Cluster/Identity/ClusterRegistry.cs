using System.Text.Json;
using System.Text.Json.Serialization;

namespace NativeSplit.Cluster.Identity;

/// <summary>A join token given out and not yet used. The secret itself is kept nowhere.</summary>
/// <param name="Id">First half of the secret's hash, hexadecimal: names the token, and tells nothing of the secret.</param>
/// <param name="SecretHash">SHA-256 of the secret, hexadecimal.</param>
/// <param name="Node">Name it lets a node join under.</param>
/// <param name="Expiry">When it ends.</param>
/// <param name="Trusted">Whether the node that uses it becomes a trusted one.</param>
public sealed record OpenToken(string Id, string SecretHash, string Node, DateTimeOffset Expiry, bool Trusted = false);

/// <summary>A certificate that the authority gave to a node.</summary>
/// <param name="Serial">Serial number, hexadecimal.</param>
/// <param name="Node">The node.</param>
/// <param name="Issued">When it was given.</param>
/// <param name="Expiry">When it ends.</param>
/// <param name="Revoked">When it was revoked, or null.</param>
/// <param name="Trusted">Whether it bears the label <c>trusted</c>.</param>
public sealed record IssuedCertificate(string Serial, string Node, DateTimeOffset Issued, DateTimeOffset Expiry, DateTimeOffset? Revoked, bool Trusted = false);

/// <summary>What a cluster's authority has given out and not taken back.</summary>
/// <param name="Tokens">Open tokens.</param>
/// <param name="Certificates">Certificates of workers that still run, revoked ones included.</param>
public sealed record RegistryContent(IReadOnlyList<OpenToken> Tokens, IReadOnlyList<IssuedCertificate> Certificates)
{
    /// <summary>Names of the nodes that an operator trusts: what the next certificate of each will say.</summary>
    public IReadOnlyList<string> TrustedNodes { get; init; } = [];

    /// <summary>Nothing given out.</summary>
    public static RegistryContent Empty { get; } = new([], []);

    /// <summary>The content without tokens and certificates that have ended.</summary>
    public RegistryContent At(DateTimeOffset now) =>
        this with { Tokens = [.. Tokens.Where(token => token.Expiry > now)], Certificates = [.. Certificates.Where(certificate => certificate.Expiry > now)] };

    /// <summary>The content with a node trusted, or not.</summary>
    public RegistryContent WithTrust(string node, bool isTrusted)
    {
        IEnumerable<string> others = TrustedNodes.Where(trusted => trusted != node);
        return this with { TrustedNodes = isTrusted ? [.. others, node] : [.. others] };
    }
}

/// <summary>
/// Keeps what the authority has given out: in memory, or in <c>registry.json</c> of the gateway's data folder, where a gateway at work
/// and the command line change it beside each other. Thread-safe.
/// </summary>
/// <remarks>
/// A change holds the lock file, reads, and renames a new file over the old one: readers need no lock and never see half a change.
/// </remarks>
public sealed class ClusterRegistry
{
    private const int MaxBytes = 16 << 20;
    private static readonly TimeSpan LockTime = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LockRetry = TimeSpan.FromMilliseconds(20);

    private readonly Lock _gate = new();
    private readonly CredentialStore? _store;
    private RegistryContent _content = RegistryContent.Empty;

    /// <summary>Opens the registry.</summary>
    /// <param name="store">The gateway's folder; null: in memory.</param>
    public ClusterRegistry(CredentialStore? store = null) => _store = store;

    /// <summary>The content now.</summary>
    /// <exception cref="ClusterException"><see cref="ClusterFault.BadIdentity"/>: the file is damaged. Nothing is then taken for valid.</exception>
    public RegistryContent Read()
    {
        lock (_gate)
        {
            return _store is null ? _content : Parse(_store.ReadRegistry(MaxBytes));
        }
    }

    /// <summary>Changes the content in one step.</summary>
    /// <param name="change">Gives the new content and a result. May run only once, and must not call the registry.</param>
    /// <exception cref="ClusterException"><see cref="ClusterFault.BadIdentity"/>: the file is damaged, locked for too long, or can't be written.</exception>
    public T Change<T>(Func<RegistryContent, (RegistryContent Content, T Result)> change)
    {
        ArgumentNullException.ThrowIfNull(change);
        lock (_gate)
        {
            if (_store is null)
            {
                (_content, T result) = change(_content);
                return result;
            }

            using FileStream held = _store.LockRegistry(LockTime, LockRetry);
            (RegistryContent content, T outcome) = change(Parse(_store.ReadRegistry(MaxBytes)));
            _store.WriteRegistry(JsonSerializer.Serialize(content, RegistryJsonContext.Default.RegistryContent));
            return outcome;
        }
    }

    private static RegistryContent Parse(string? text)
    {
        if (text is null)
        {
            return RegistryContent.Empty;
        }

        try
        {
            return JsonSerializer.Deserialize(text, RegistryJsonContext.Default.RegistryContent) ?? throw new JsonException("The document is null.");
        }
        catch (JsonException e)
        {
            throw new ClusterException(ClusterFault.BadIdentity, $"The registry of tokens and nodes is damaged: {e.Message} Put registry.json back from a copy; without it, revoked nodes can't be told from others.", e);
        }
    }
}

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, WriteIndented = true, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(RegistryContent))]
internal sealed partial class RegistryJsonContext : JsonSerializerContext;
