using System.Security.Cryptography.X509Certificates;
using NativeSplit.Placement;

namespace NativeSplit.Cluster.Identity;

/// <summary>Certifies new workers that hold a join token, and anew those whose certificate holds.</summary>
/// <param name="authority">Signs.</param>
/// <param name="tokens">Tokens given out.</param>
/// <param name="nodes">Notes the certificates; null: nobody asks for them, and none is renewed.</param>
public sealed class EnrolmentServer(ClusterAuthority authority, JoinTokenStore tokens, NodeRegistry? nodes = null)
{
    /// <summary>Serves one peer. Pass it to the link listener as its enrolment handler.</summary>
    /// <param name="stream">TLS stream to the peer; only we are authenticated on it.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task ServeAsync(Stream stream, CancellationToken cancellationToken)
    {
        EnrolmentRequest request = await LengthPrefixed.ReadAsync(stream, EnrolmentJsonContext.Default.EnrolmentRequest, cancellationToken).ConfigureAwait(false);
        var response = new EnrolmentResponse { Certificate = [] };
        if (tokens.TryRedeem(request.Secret, out NodeId node, out bool isTrusted))
        {
            using X509Certificate2 certificate = authority.IssueFor(request.SigningRequest, NodeRole.Worker, node, isTrusted);
            nodes?.Record(node, certificate);
            response = new EnrolmentResponse { Certificate = certificate.RawData };
        }

        await LengthPrefixed.WriteAsync(stream, response, EnrolmentJsonContext.Default.EnrolmentResponse, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Renews the certificate of one peer. Pass it to the link listener as its renewal handler.</summary>
    /// <param name="peer">The peer's certificate, verified.</param>
    /// <param name="stream">TLS stream to the peer; both of us are authenticated on it.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task RenewAsync(X509Certificate2 peer, Stream stream, CancellationToken cancellationToken)
    {
        RenewalRequest request = await LengthPrefixed.ReadAsync(stream, EnrolmentJsonContext.Default.RenewalRequest, cancellationToken).ConfigureAwait(false);
        var response = new EnrolmentResponse { Certificate = [] };
        if (NodeIdentity.TryRead(peer, out NodeIdentity identity) && identity.Role == NodeRole.Worker && identity.Domain == authority.Domain)
        {
            using X509Certificate2? certificate = nodes?.Renew(identity.Node, peer, isTrusted => authority.IssueFor(request.SigningRequest, NodeRole.Worker, identity.Node, isTrusted));
            response = new EnrolmentResponse { Certificate = certificate?.RawData ?? [] };
        }

        await LengthPrefixed.WriteAsync(stream, response, EnrolmentJsonContext.Default.EnrolmentResponse, cancellationToken).ConfigureAwait(false);
    }
}
