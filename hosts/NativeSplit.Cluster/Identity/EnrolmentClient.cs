using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using NativeSplit.Transport.Links;

namespace NativeSplit.Cluster.Identity;

/// <summary>Turns a join token into credentials.</summary>
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
        EnrolmentResponse response = await ExchangeAsync(gateway, enrolment.Stream, request, options.EnrolmentTimeout, cancellationToken).ConfigureAwait(false);
        if (response.Certificate.Length == 0)
        {
            throw new ClusterException(ClusterFault.BadToken, $"The gateway at {gateway} refused the join token: it is unknown, used, or older than {JoinTokenStore.Lifetime.TotalMinutes:0} minutes. Get a new one from the gateway.");
        }

        return Accept(response.Certificate, key, enrolment);
    }

    private static async Task<EnrolmentResponse> ExchangeAsync(EndPoint gateway, Stream stream, EnrolmentRequest request, TimeSpan timeout, CancellationToken cancellationToken)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(timeout);
        try
        {
            await LengthPrefixed.WriteAsync(stream, request, EnrolmentJsonContext.Default.EnrolmentRequest, deadline.Token).ConfigureAwait(false);
            return await LengthPrefixed.ReadAsync(stream, EnrolmentJsonContext.Default.EnrolmentResponse, deadline.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new LinkException(LinkFault.TimedOut, $"The gateway at {gateway} didn't answer the enrolment within {timeout.TotalSeconds:0.#} s. Try again.", e);
        }
        catch (IOException e)
        {
            throw new LinkException(LinkFault.Closed, $"The gateway at {gateway} ended the enrolment: {e.Message} Try again.", e);
        }
    }

    private static JoinedNode Accept(byte[] certificateBytes, ECDsa key, Enrolment enrolment)
    {
        try
        {
            using X509Certificate2 bare = X509CertificateLoader.LoadCertificate(certificateBytes);
            X509Certificate2 certificate = bare.CopyWithPrivateKey(key);
            NodeIdentity self = CredentialStore.IdentityOf(certificate);
            if (self.Role != NodeRole.Worker || !NodeIdentity.TryParse(enrolment.Peer, out NodeIdentity gateway) || gateway.Role != NodeRole.Gateway)
            {
                certificate.Dispose();
                throw new ClusterException(ClusterFault.Protocol, $"The peer {enrolment.Peer} certified us as {self}, which isn't what a gateway does.");
            }

            return new JoinedNode(self, gateway, new LinkCredentials(certificate, enrolment.Authority));
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            throw new ClusterException(ClusterFault.Protocol, $"The gateway's certificate for us can't be used: {e.Message}", e);
        }
    }
}

/// <summary>A node that has joined.</summary>
/// <param name="Self">Our identity.</param>
/// <param name="Gateway">The gateway's identity, to demand on every link to it.</param>
/// <param name="Credentials">Key, certificate and authority.</param>
public sealed record JoinedNode(NodeIdentity Self, NodeIdentity Gateway, LinkCredentials Credentials);
