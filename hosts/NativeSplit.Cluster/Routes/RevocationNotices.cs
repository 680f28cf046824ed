using Microsoft.Extensions.Logging;
using NativeSplit.Cluster.Links;
using NativeSplit.Cluster.Messages;
using NativeSplit.Transport.Links;

namespace NativeSplit.Cluster.Routes;

/// <summary>Tells workers which certificates were revoked, over the link on which only the gateway may tell them anything.</summary>
internal static class RevocationNotices
{
    /// <summary>Serial numbers in one message: well below its limit.</summary>
    private const int PerMessage = 1000;

    /// <summary>Tells one worker. A link that breaks meanwhile needs nothing: on its next one the worker is told everything.</summary>
    /// <param name="worker">The worker.</param>
    /// <param name="serials">Gives the serial numbers.</param>
    /// <param name="log">Told when they can't be had.</param>
    public static async Task SendAsync(PeerConnection worker, Func<IReadOnlyList<string>> serials, ILogger log)
    {
        try
        {
            foreach (string[] some in serials().Chunk(PerMessage))
            {
                await worker.SendAsync(new RevokeCertificates { Serials = some }, CancellationToken.None).ConfigureAwait(false);
            }
        }
        catch (Exception e) when (e is LinkException or ObjectDisposedException)
        {
            log.LogDebug("{Node} couldn't be told of revoked certificates: {Reason}", worker.Peer.Node, e.Message);
        }
        catch (ClusterException e)
        {
            log.LogError("{Node} isn't told of revoked certificates: {Reason}", worker.Peer.Node, e.Message);
        }
    }
}
