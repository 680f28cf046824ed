using System.Security.Cryptography.X509Certificates;
using NativeSplit.Placement;

namespace NativeSplit.Cluster.Identity;

/// <summary>Certifies new workers that hold a join token.</summary>
/// <param name="authority">Signs.</param>
/// <param name="tokens">Tokens given out.</param>
/// <param name="nodes">Notes the certificates; null: nobody asks for them.</param>
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
}
