using System.Security.Cryptography.X509Certificates;
using NativeSplit.Placement;

namespace NativeSplit.Cluster.Identity;

/// <summary>Certificates of workers: who holds one, and whose was revoked. Thread-safe.</summary>
/// <param name="registry">Where they are kept.</param>
/// <param name="time">Clock for expiry.</param>
public sealed class NodeRegistry(ClusterRegistry registry, TimeProvider time)
{
    /// <summary>Notes a certificate that was just given to a node.</summary>
    /// <param name="node">The node.</param>
    /// <param name="certificate">Its certificate.</param>
    public void Record(NodeId node, X509Certificate2 certificate)
    {
        ArgumentNullException.ThrowIfNull(certificate);
        DateTimeOffset now = time.GetUtcNow();
        IssuedCertificate issued = Describe(node, certificate, now);
        registry.Change(content =>
        {
            RegistryContent current = content.At(now);
            return (current with { Certificates = [.. current.Certificates, issued] }, true);
        });
    }

    /// <summary>Certificates that haven't ended, in the order they were given.</summary>
    public IReadOnlyList<IssuedCertificate> List() => registry.Read().At(time.GetUtcNow()).Certificates;

    /// <summary>Revokes every certificate of a node. A new token lets a node join again under that name.</summary>
    /// <param name="node">The node.</param>
    /// <returns>How many were revoked now.</returns>
    public int Revoke(NodeId node)
    {
        DateTimeOffset now = time.GetUtcNow();
        string name = node.ToString();
        return registry.Change(content =>
        {
            RegistryContent current = content.At(now);
            int count = current.Certificates.Count(certificate => certificate.Node == name && certificate.Revoked is null);
            return (current with { Certificates = [.. current.Certificates.Select(certificate => certificate.Node == name ? certificate with { Revoked = certificate.Revoked ?? now } : certificate)] }, count);
        });
    }

    /// <summary>Certifies a node anew, in one step with the check that it may be: nobody revokes it in between.</summary>
    /// <param name="node">The node.</param>
    /// <param name="old">Its certificate.</param>
    /// <param name="issue">Makes the new one, with the label or without.</param>
    /// <returns>The new certificate, which the caller owns; null when the old one was revoked, has ended, or was never noted here.</returns>
    public X509Certificate2? Renew(NodeId node, X509Certificate2 old, Func<bool, X509Certificate2> issue)
    {
        ArgumentNullException.ThrowIfNull(old);
        ArgumentNullException.ThrowIfNull(issue);
        DateTimeOffset now = time.GetUtcNow();
        string name = node.ToString();
        return registry.Change<X509Certificate2?>(content =>
        {
            RegistryContent current = content.At(now);
            if (!current.Certificates.Any(certificate => certificate.Serial == old.SerialNumber && certificate.Node == name && certificate.Revoked is null))
            {
                return (current, null);
            }

            X509Certificate2 renewed = issue(current.TrustedNodes.Contains(name));
            return (current with { Certificates = [.. current.Certificates, Describe(node, renewed, now)] }, renewed);
        });
    }

    /// <summary>Serial numbers of revoked certificates that would still hold.</summary>
    /// <exception cref="ClusterException"><see cref="ClusterFault.BadIdentity"/>: the registry can't be read.</exception>
    public IReadOnlyList<string> RevokedSerials() => [.. List().Where(certificate => certificate.Revoked is not null).Select(certificate => certificate.Serial)];

    /// <summary>Trusts a node, or no more: its next certificate says so, at its next renewal or when it joins anew.</summary>
    /// <param name="node">The node.</param>
    /// <param name="isTrusted">Whether to trust it.</param>
    /// <returns>False when no certificate of that node is valid now, or it was so already.</returns>
    public bool Trust(NodeId node, bool isTrusted)
    {
        DateTimeOffset now = time.GetUtcNow();
        string name = node.ToString();
        return registry.Change(content =>
        {
            RegistryContent current = content.At(now);
            bool changes = current.Certificates.Any(certificate => certificate.Node == name && certificate.Revoked is null) && current.TrustedNodes.Contains(name) != isTrusted;
            return (changes ? current.WithTrust(name, isTrusted) : current, changes);
        });
    }

    /// <summary>Whether an operator trusts a node.</summary>
    /// <param name="node">The node.</param>
    public bool IsTrusted(NodeId node) => registry.Read().TrustedNodes.Contains(node.ToString());

    /// <summary>Whether a certificate was revoked. Give it to the listener's credentials.</summary>
    /// <param name="certificate">A certificate of this cluster's authority.</param>
    /// <exception cref="ClusterException"><see cref="ClusterFault.BadIdentity"/>: the registry can't be read; the peer is then refused.</exception>
    public bool IsRevoked(X509Certificate2 certificate)
    {
        ArgumentNullException.ThrowIfNull(certificate);
        return registry.Read().Certificates.Any(issued => issued.Serial == certificate.SerialNumber && issued.Revoked is not null);
    }

    private static IssuedCertificate Describe(NodeId node, X509Certificate2 certificate, DateTimeOffset now)
    {
        TrustLabel.TryRead(certificate, out bool isTrusted);
        return new IssuedCertificate(certificate.SerialNumber, node.ToString(), now, certificate.NotAfter.ToUniversalTime(), Revoked: null, isTrusted);
    }
}
