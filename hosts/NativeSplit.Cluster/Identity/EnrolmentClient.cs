using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Serialization.Metadata;
using NativeSplit.Transport.Links;

namespace NativeSplit.Cluster.Identity;

/// <summary>Turns a join token into credentials, and renews them.</summary>
public static class EnrolmentClient
{
    /// <summary>Joins: checks the authority against the token, sends a fresh key to be certified, and checks what comes back.</summary>
    /// <param name="gateway">Link address of the gateway.</param>
    /// <param name="token">The token.</param>
    /// <param name="options">Limits of the connection.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    /// <returns>Credentials whose certificate names us; the caller owns them. And the gateway's identity.</returns>
    /// <exception cref="ClusterException"><see cref="ClusterFault.BadToken"/>: refused. <see cref="ClusterFault.Protocol"/>: a bad answer.</exception>
    /// <exception cref="LinkException">The gateway can't be reached, isn't the one the token names, or takes longer than <see cref="LinkOptions.EnrolmentTimeout"/>.</exception>
    public static async Task<JoinedNode> JoinAsync(EndPoint gateway, JoinToken token, LinkOptions options, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(token);
        ArgumentNullException.ThrowIfNull(options);
        await using Enrolment enrolment = await LinkConnector.EnrolAsync(gateway, token.AuthorityHash, options, cancellationToken).ConfigureAwait(false);

        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new EnrolmentRequest
        {
            Secret = token.Secret.ToArray(),
            SigningRequest = new CertificateRequest("CN=joining", key, HashAlgorithmName.SHA256).CreateSigningRequest(),
        };
        EnrolmentResponse response = await ExchangeAsync(gateway, enrolment.Stream, request, EnrolmentJsonContext.Default.EnrolmentRequest, options.EnrolmentTimeout, cancellationToken).ConfigureAwait(false);
        if (response.Certificate.Length == 0)
        {
            throw new ClusterException(ClusterFault.BadToken, $"The gateway at {gateway} refused the join token: it is unknown, used, or older than {JoinTokenStore.Lifetime.TotalMinutes:0} minutes. Get a new one from the gateway.");
        }

        return Accept(response.Certificate, key, enrolment);
    }

    /// <summary>Renews: sends a fresh key to be certified, over a connection that the old certificate authenticates.</summary>
    /// <param name="gateway">Link address of the gateway.</param>
    /// <param name="node">Who we are.</param>
    /// <param name="options">Limits of the connection.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    /// <returns>A certificate with its key for the same name and role; the caller owns it.</returns>
    /// <exception cref="ClusterException"><see cref="ClusterFault.NotAllowed"/>: refused. <see cref="ClusterFault.Protocol"/>: a bad answer.</exception>
    /// <exception cref="LinkException">The gateway can't be reached, isn't ours, doesn't take our certificate any more, or takes too long.</exception>
    public static async Task<X509Certificate2> RenewAsync(EndPoint gateway, JoinedNode node, LinkOptions options, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(node);
        ArgumentNullException.ThrowIfNull(options);
        LinkCredentials credentials = node.Credentials;
        await using Enrolment renewal = await LinkConnector.RenewAsync(gateway, node.Gateway.Uri, credentials, options, cancellationToken).ConfigureAwait(false);

        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new RenewalRequest { SigningRequest = new CertificateRequest("CN=renewing", key, HashAlgorithmName.SHA256).CreateSigningRequest() };
        EnrolmentResponse response;
        try
        {
            response = await ExchangeAsync(gateway, renewal.Stream, request, EnrolmentJsonContext.Default.RenewalRequest, options.EnrolmentTimeout, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is LinkException { Fault: LinkFault.Closed } or ClusterException { InnerException: EndOfStreamException })
        {
            // A listener that doesn't take our certificate closes right here, without a word.
            throw new LinkException(LinkFault.AuthenticationFailed, $"The gateway at {gateway} closed without an answer: it takes the certificate of {node.Self.Node} no more, which was revoked or has ended.", e);
        }

        if (response.Certificate.Length == 0)
        {
            throw new ClusterException(ClusterFault.NotAllowed, $"The gateway at {gateway} refused to renew the certificate of {node.Self.Node}: it was revoked, or isn't in the gateway's registry.");
        }

        (X509Certificate2 certificate, NodeIdentity identity) = Open(response.Certificate, key, credentials.Authority, credentials.Clock);
        if (identity.Uri == node.Self.Uri)
        {
            return certificate;
        }

        certificate.Dispose();
        throw new ClusterException(ClusterFault.Protocol, $"The gateway at {gateway} certified us as {identity} instead of {node.Self}.");
    }

    private static async Task<EnrolmentResponse> ExchangeAsync<T>(EndPoint gateway, Stream stream, T request, JsonTypeInfo<T> type, TimeSpan timeout, CancellationToken cancellationToken)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(timeout);
        try
        {
            await LengthPrefixed.WriteAsync(stream, request, type, deadline.Token).ConfigureAwait(false);
            return await LengthPrefixed.ReadAsync(stream, EnrolmentJsonContext.Default.EnrolmentResponse, deadline.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new LinkException(LinkFault.TimedOut, $"The gateway at {gateway} didn't answer within {timeout.TotalSeconds:0.#} s. Try again.", e);
        }
        catch (IOException e)
        {
            throw new LinkException(LinkFault.Closed, $"The gateway at {gateway} ended the enrolment or renewal: {e.Message} Try again.", e);
        }
    }

    private static JoinedNode Accept(byte[] certificateBytes, ECDsa key, Enrolment enrolment)
    {
        (X509Certificate2 certificate, NodeIdentity self) = Open(certificateBytes, key, enrolment.Authority, TimeProvider.System);
        if (self.Role != NodeRole.Worker || !NodeIdentity.TryParse(enrolment.Peer, out NodeIdentity gateway) || gateway.Role != NodeRole.Gateway)
        {
            certificate.Dispose();
            throw new ClusterException(ClusterFault.Protocol, $"The peer {enrolment.Peer} certified us as {self}, which isn't what a gateway does.");
        }

        return new JoinedNode(self, gateway, new LinkCredentials(certificate, enrolment.Authority));
    }

    /// <summary>Joins a certificate that came with our key, and checks that it is one of the authority.</summary>
    private static (X509Certificate2 Certificate, NodeIdentity Identity) Open(byte[] certificateBytes, ECDsa key, X509Certificate2 authority, TimeProvider clock)
    {
        try
        {
            using X509Certificate2 bare = X509CertificateLoader.LoadCertificate(certificateBytes);
            if (!AuthorityChain.IsValid(bare, authority, clock.GetUtcNow(), out string problem))
            {
                throw new ClusterException(ClusterFault.Protocol, $"The gateway's certificate for us isn't one of its authority that holds now ({problem}). Check the clocks of both machines.");
            }

            return (bare.CopyWithPrivateKey(key), CredentialStore.IdentityOf(bare));
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            throw new ClusterException(ClusterFault.Protocol, $"The gateway's certificate for us can't be used: {e.Message}", e);
        }
    }
}
