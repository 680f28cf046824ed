using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using NativeSplit.Transport.Handshakes;

namespace NativeSplit.Transport.Links;

/// <summary>Who we are on links and whom we trust.</summary>
/// <param name="Certificate">Own certificate with private key; its one URI name (SPIFFE) is our identity.</param>
/// <param name="Authority">The only root that peers' certificates may chain to.</param>
public sealed record LinkCredentials(X509Certificate2 Certificate, X509Certificate2 Authority)
{
    /// <summary>
    /// Whether a peer's certificate, which chains to <see cref="Authority"/>, was revoked; null: none ever is. Asked in every handshake, from
    /// any thread. If it throws, the peer is refused.
    /// </summary>
    public Func<X509Certificate2, bool>? IsRevoked { get; init; }

    /// <summary>Clock that peers' certificates must hold by.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>Reads the identity a certificate stands for: its one SPIFFE URI name.</summary>
    /// <param name="certificate">A node's certificate.</param>
    /// <param name="identity">The name, or empty.</param>
    /// <param name="problem">What is wrong with the certificate, or empty.</param>
    /// <returns>False when it isn't a node's certificate.</returns>
    public static bool TryReadIdentity(X509Certificate2 certificate, out string identity, out string problem)
    {
        ArgumentNullException.ThrowIfNull(certificate);
        return PeerIdentity.TryRead(certificate, out identity, out problem);
    }

    /// <summary>Our identity.</summary>
    /// <exception cref="ArgumentException">The certificate has no private key or isn't one of a node.</exception>
    internal string RequireIdentity()
    {
        if (!Certificate.HasPrivateKey)
        {
            throw new ArgumentException($"The certificate {Certificate.Subject} comes without its private key.");
        }

        return PeerIdentity.TryRead(Certificate, out string identity, out string problem)
            ? identity
            : throw new ArgumentException($"The certificate {Certificate.Subject} can't be used on links: {problem}.");
    }

    /// <summary>Our certificate as TLS wants it; nothing is fetched from the network.</summary>
    internal SslStreamCertificateContext CreateContext() => SslStreamCertificateContext.Create(Certificate, additionalCertificates: null, offline: true);
}
