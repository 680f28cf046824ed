using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using NativeSplit.Placement;

namespace NativeSplit.Cluster.Identity;

/// <summary>The root of a cluster's trust: a P-256 certificate authority that lives at the gateway and names every node.</summary>
public sealed class ClusterAuthority : IDisposable
{
    /// <summary>How long a node's certificate holds; it is renewed before (<see cref="CertificateRenewal"/>).</summary>
    public static readonly TimeSpan NodeLifetime = TimeSpan.FromHours(24);

    private static readonly TimeSpan ClockSkew = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan AuthorityLifetime = TimeSpan.FromDays(3650);
    private static readonly OidCollection NodePurposes = [new Oid("1.3.6.1.5.5.7.3.1"), new Oid("1.3.6.1.5.5.7.3.2")];
    private readonly TimeProvider _time;

    private ClusterAuthority(X509Certificate2 certificate, TimeProvider time)
    {
        Certificate = certificate;
        Hash = SHA256.HashData(certificate.RawData);
        Domain = DomainOf(certificate);
        _time = time;
    }

    /// <summary>The root certificate, with its private key.</summary>
    public X509Certificate2 Certificate { get; }

    /// <summary>SHA-256 of the root certificate (DER): what a join token pins.</summary>
    public ReadOnlyMemory<byte> Hash { get; }

    /// <summary>Trust domain of every name this authority gives.</summary>
    public string Domain { get; }

    /// <summary>Makes a new authority.</summary>
    /// <param name="time">Clock for validity times.</param>
    public static ClusterAuthority Create(TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(time);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=NativeSplit cluster authority", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: true, pathLengthConstraint: 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        DateTimeOffset now = time.GetUtcNow();
        return new ClusterAuthority(request.CreateSelfSigned(now - ClockSkew, now + AuthorityLifetime), time);
    }

    /// <summary>Takes an authority that was kept.</summary>
    /// <param name="certificate">Root certificate with its private key; owned from here on.</param>
    /// <param name="time">Clock for validity times.</param>
    public static ClusterAuthority FromCertificate(X509Certificate2 certificate, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(certificate);
        ArgumentNullException.ThrowIfNull(time);
        return certificate.HasPrivateKey
            ? new ClusterAuthority(certificate, time)
            : throw new ClusterException(ClusterFault.BadIdentity, "The cluster authority's certificate has no private key; remove the identity folder to make a new authority (every worker must then join again).");
    }

    /// <summary>Trust domain that follows from a root certificate.</summary>
    public static string DomainOf(X509Certificate2 authority)
    {
        ArgumentNullException.ThrowIfNull(authority);
        return "nativesplit-" + Convert.ToHexStringLower(SHA256.HashData(authority.RawData).AsSpan(0, 6));
    }

    /// <summary>Makes a key and a certificate in one go, for the node that holds the authority.</summary>
    /// <param name="role">Role to grant.</param>
    /// <param name="node">Name to grant.</param>
    /// <param name="isTrusted">Whether to grant the <see cref="TrustLabel"/>.</param>
    /// <returns>Certificate with private key; the caller owns it.</returns>
    public X509Certificate2 IssueWithKey(NodeRole role, NodeId node, bool isTrusted = false)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={node}", key, HashAlgorithmName.SHA256);
        using X509Certificate2 certificate = Issue(request.PublicKey, role, node, isTrusted);
        return certificate.CopyWithPrivateKey(key);
    }

    /// <summary>Certifies the key of a signing request. Of the request only the key counts: name, role and label are ours to give.</summary>
    /// <param name="signingRequest">PKCS#10 request, DER.</param>
    /// <param name="role">Role to grant.</param>
    /// <param name="node">Name to grant.</param>
    /// <param name="isTrusted">Whether to grant the <see cref="TrustLabel"/>.</param>
    /// <returns>The certificate, without private key; the caller owns it.</returns>
    /// <exception cref="ClusterException"><see cref="ClusterFault.Protocol"/>: the request is malformed or not signed by its own P-256 key.</exception>
    public X509Certificate2 IssueFor(byte[] signingRequest, NodeRole role, NodeId node, bool isTrusted = false)
    {
        ArgumentNullException.ThrowIfNull(signingRequest);
        CertificateRequest request;
        try
        {
            request = CertificateRequest.LoadSigningRequest(signingRequest, HashAlgorithmName.SHA256);
            using ECDsa key = request.PublicKey.GetECDsaPublicKey() ?? throw new CryptographicException("The key isn't an elliptic-curve key.");
            if (key.ExportParameters(includePrivateParameters: false).Curve.Oid.Value != ECCurve.NamedCurves.nistP256.Oid.Value)
            {
                throw new CryptographicException("The key isn't on the curve P-256.");
            }
        }
        catch (CryptographicException e)
        {
            throw new ClusterException(ClusterFault.Protocol, $"The signing request of {node} can't be used: {e.Message}", e);
        }

        return Issue(request.PublicKey, role, node, isTrusted);
    }

    /// <summary>Forgets the key.</summary>
    public void Dispose() => Certificate.Dispose();

    private X509Certificate2 Issue(PublicKey publicKey, NodeRole role, NodeId node, bool isTrusted)
    {
        var request = new CertificateRequest(new X500DistinguishedName($"CN={node}"), publicKey, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddUri(new Uri(new NodeIdentity(Domain, role, node).Uri));
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: false, hasPathLengthConstraint: false, pathLengthConstraint: 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension(NodePurposes, critical: false));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(Certificate, includeKeyIdentifier: true, includeIssuerAndSerial: false));
        if (isTrusted)
        {
            request.CertificateExtensions.Add(TrustLabel.Create());
        }

        DateTimeOffset now = _time.GetUtcNow();
        DateTimeOffset end = now + NodeLifetime < Certificate.NotAfter ? now + NodeLifetime : Certificate.NotAfter;
        return request.Create(Certificate, now - ClockSkew, end, RandomNumberGenerator.GetBytes(16));
    }
}
