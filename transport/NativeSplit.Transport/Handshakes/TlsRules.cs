using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using NativeSplit.Transport.Links;

namespace NativeSplit.Transport.Handshakes;

/// <summary>
/// The only TLS this project speaks: version 1.3, one root, no resumption, an identity in a URI name. The protocol name differs for
/// links, enrolments and renewals, so that nobody in the middle can turn one into another.
/// </summary>
internal static class TlsRules
{
    /// <summary>Protocol name (ALPN) of control connections.</summary>
    public static readonly SslApplicationProtocol LinkProtocol = new("nativesplit-link/1");

    /// <summary>Protocol name (ALPN) of enrolments.</summary>
    public static readonly SslApplicationProtocol EnrolmentProtocol = new("nativesplit-enrol/1");

    /// <summary>Protocol name (ALPN) of renewals.</summary>
    public static readonly SslApplicationProtocol RenewalProtocol = new("nativesplit-renew/1");

    /// <summary>Options of a listener.</summary>
    /// <param name="certificate">Own certificate.</param>
    /// <param name="protocol">Protocol name.</param>
    /// <param name="peer">Checks the peer; null when the peer has no certificate.</param>
    public static SslServerAuthenticationOptions ForListener(
        SslStreamCertificateContext certificate, SslApplicationProtocol protocol, PeerCheck? peer) => new()
        {
            ServerCertificateContext = certificate,
            ClientCertificateRequired = peer is not null,
            EnabledSslProtocols = SslProtocols.Tls13,
            AllowTlsResume = false,
            AllowRenegotiation = false,
            ApplicationProtocols = [protocol],
            CertificateChainPolicy = peer?.CreatePolicy(),
            RemoteCertificateValidationCallback = peer is null ? null : peer.Validate,
        };

    /// <summary>Options of a connector.</summary>
    /// <param name="certificate">Own certificate; null when enrolling.</param>
    /// <param name="protocol">Protocol name.</param>
    /// <param name="peer">Checks the peer.</param>
    public static SslClientAuthenticationOptions ForConnector(
        SslStreamCertificateContext? certificate, SslApplicationProtocol protocol, PeerCheck peer) => new()
        {
            // Empty: identities are URI names, so no host name is sent or compared.
            TargetHost = string.Empty,
            ClientCertificateContext = certificate,
            EnabledSslProtocols = SslProtocols.Tls13,
            AllowTlsResume = false,
            AllowRenegotiation = false,
            ApplicationProtocols = [protocol],
            CertificateChainPolicy = peer.CreatePolicy(),
            RemoteCertificateValidationCallback = peer.Validate,
        };

    /// <summary>Throws unless the stream is what the options ask for. The options alone don't refuse a peer that leaves the name out.</summary>
    /// <param name="stream">Stream after authentication.</param>
    /// <param name="protocol">Protocol name.</param>
    /// <param name="mutual">Whether both ends must be authenticated.</param>
    /// <exception cref="LinkException">It isn't.</exception>
    public static void Require(SslStream stream, SslApplicationProtocol protocol, bool mutual)
    {
        if (stream.SslProtocol != SslProtocols.Tls13
            || stream.NegotiatedApplicationProtocol != protocol
            || !stream.IsEncrypted
            || (mutual && !stream.IsMutuallyAuthenticated))
        {
            throw new LinkException(
                LinkFault.AuthenticationFailed, $"The peer's TLS isn't that of a link ({stream.SslProtocol}, protocol '{stream.NegotiatedApplicationProtocol}').");
        }
    }
}

/// <summary>Checks the certificate of one peer in one handshake.</summary>
/// <param name="authority">The only root it may chain to.</param>
/// <param name="expectedPeer">The identity it must hold; null for any identity under the root.</param>
/// <param name="isRevoked">Whether a certificate was revoked; null: none is.</param>
/// <param name="clock">Clock that a certificate must hold by; null: the system's.</param>
internal sealed class PeerCheck(X509Certificate2 authority, string? expectedPeer, Func<X509Certificate2, bool>? isRevoked = null, TimeProvider? clock = null)
{
    /// <summary>Verified identity, once <see cref="Validate"/> returned true.</summary>
    public string? Identity { get; private set; }

    /// <summary>The certificate that proved it, DER, once <see cref="Validate"/> returned true.</summary>
    public ReadOnlyMemory<byte> Certificate { get; private set; }

    /// <summary>What was wrong, for our own log; the peer never hears of it.</summary>
    public string Problem { get; private set; } = "it sent no certificate";

    /// <summary>Chain policy: this root only, nothing fetched from the network.</summary>
    public X509ChainPolicy CreatePolicy()
    {
        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
            DisableCertificateDownloads = true,
            VerificationFlags = X509VerificationFlags.NoFlag,
            VerificationTime = (clock ?? TimeProvider.System).GetUtcNow().UtcDateTime,
        };
        policy.CustomTrustStore.Add(authority);
        return policy;
    }

    /// <summary>The check, called by the TLS stream. Host names don't count; everything else does.</summary>
    public bool Validate(object sender, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors)
    {
        if (certificate is not X509Certificate2 leaf || (errors & ~SslPolicyErrors.RemoteCertificateNameMismatch) != SslPolicyErrors.None)
        {
            Problem = Explain(certificate, chain);
            return false;
        }

        if (!PeerIdentity.TryRead(leaf, out string identity, out string problem))
        {
            Problem = problem;
            return false;
        }

        if (expectedPeer is not null && identity != expectedPeer)
        {
            Problem = $"it is {identity}, not {expectedPeer}";
            return false;
        }

        if (IsRevoked(leaf))
        {
            return false;
        }

        Identity = identity;
        Certificate = leaf.RawData;
        return true;
    }

    private bool IsRevoked(X509Certificate2 leaf)
    {
        try
        {
            if (isRevoked?.Invoke(leaf) != true)
            {
                return false;
            }

            Problem = "its certificate was revoked";
        }
        catch (Exception e)
        {
            // Whoever can't be told from a revoked peer is refused.
            Problem = $"whether its certificate was revoked can't be told: {e.Message}";
        }

        return true;
    }

    private static string Explain(X509Certificate? certificate, X509Chain? chain)
    {
        if (certificate is null)
        {
            return "it sent no certificate";
        }

        string statuses = chain is null ? string.Empty : string.Join(", ", chain.ChainStatus.Select(status => status.Status));
        return $"its certificate doesn't chain to our authority ({statuses})";
    }
}
