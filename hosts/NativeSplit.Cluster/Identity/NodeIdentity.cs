using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using NativeSplit.Placement;
using NativeSplit.Transport.Links;

namespace NativeSplit.Cluster.Identity;

/// <summary>What a node may do. Granted by the authority in the certificate; no node can claim it.</summary>
public enum NodeRole
{
    /// <summary>Runs layers; sees activations only.</summary>
    Worker,

    /// <summary>Knows tokens; assigns layers.</summary>
    Gateway,

    /// <summary>Signs plans. It opens no link.</summary>
    Orchestrator,
}

/// <summary>Who a node is: the SPIFFE name <c>spiffe://DOMAIN/ROLE/NAME</c> in its certificate, and the <see cref="TrustLabel"/> beside it.</summary>
/// <param name="Domain">Trust domain: one per cluster authority.</param>
/// <param name="Role">What it may do.</param>
/// <param name="Node">Its name.</param>
public sealed record NodeIdentity(string Domain, NodeRole Role, NodeId Node)
{
    private const string Scheme = "spiffe://";

    /// <summary>The SPIFFE name.</summary>
    public string Uri => $"{Scheme}{Domain}/{NameOf(Role)}/{Node}";

    /// <summary>Whether an operator granted that layers which must stay private may run here. Only a verified certificate says so: a name alone never does.</summary>
    public bool IsTrusted { get; init; }

    /// <summary>Reads a SPIFFE name. What it gives isn't trusted, whatever the node is.</summary>
    /// <returns>False when it isn't of the form above; never throws, for names come from peers.</returns>
    public static bool TryParse(string? uri, out NodeIdentity identity)
    {
        identity = null!;
        if (uri is null || !uri.StartsWith(Scheme, StringComparison.Ordinal))
        {
            return false;
        }

        string[] parts = uri[Scheme.Length..].Split('/');
        if (parts.Length != 3 || parts[0].Length == 0 || !NodeId.IsValid(parts[2]))
        {
            return false;
        }

        NodeRole? role = parts[1] switch
        {
            "worker" => NodeRole.Worker,
            "gateway" => NodeRole.Gateway,
            "orchestrator" => NodeRole.Orchestrator,
            _ => null,
        };
        if (role is null)
        {
            return false;
        }

        identity = new NodeIdentity(parts[0], role.Value, new NodeId(parts[2]));
        return true;
    }

    /// <summary>Reads the name and the label in a certificate that was verified.</summary>
    /// <returns>False when it isn't the certificate of a node of ours.</returns>
    public static bool TryRead(X509Certificate2 certificate, out NodeIdentity identity)
    {
        identity = null!;
        if (!LinkCredentials.TryReadIdentity(certificate, out string uri, out _) || !TryParse(uri, out NodeIdentity named) || !TrustLabel.TryRead(certificate, out bool isTrusted))
        {
            return false;
        }

        identity = named with { IsTrusted = isTrusted };
        return true;
    }

    /// <summary>Reads who is at the other end of a link: from the certificate that the handshake verified.</summary>
    /// <returns>False when it isn't a node of ours.</returns>
    public static bool TryRead(SealedLink link, out NodeIdentity identity)
    {
        ArgumentNullException.ThrowIfNull(link);
        try
        {
            using X509Certificate2 certificate = X509CertificateLoader.LoadCertificate(link.PeerCertificate.Span);
            return TryRead(certificate, out identity);
        }
        catch (CryptographicException)
        {
            identity = null!;
            return false;
        }
    }

    /// <inheritdoc/>
    public override string ToString() => Uri;

    private static string NameOf(NodeRole role) => role switch
    {
        NodeRole.Worker => "worker",
        NodeRole.Gateway => "gateway",
        NodeRole.Orchestrator => "orchestrator",
        _ => throw new ArgumentOutOfRangeException(nameof(role), role, "No such role."),
    };
}
