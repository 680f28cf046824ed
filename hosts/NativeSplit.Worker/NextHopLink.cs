using System.Net;
using NativeSplit.Cluster;
using NativeSplit.Cluster.Identity;
using NativeSplit.Cluster.Links;
using NativeSplit.Cluster.Messages;
using NativeSplit.Transport.Frames;
using NativeSplit.Transport.Links;

namespace NativeSplit.Worker;

/// <summary>The link to the worker that runs the next segment. Dialled at assignment, and anew after a break. For the stage's thread.</summary>
internal sealed class NextHopLink(NextHop hop, WorkerOptions options) : IPeerHandler, IAsyncDisposable
{
    private PeerConnection? _connection;
    private long _bytesOfEarlierLinks;

    /// <summary>Bytes sent so far, over all links to this hop.</summary>
    public long BytesSent => Interlocked.Read(ref _bytesOfEarlierLinks) + (_connection?.Statistics.BytesSent ?? 0);

    /// <summary>The link, dialled if there is none.</summary>
    /// <exception cref="LinkException">The hop can't be reached, or isn't who it must be.</exception>
    public async ValueTask<PeerConnection> ConnectAsync(CancellationToken cancellationToken)
    {
        if (_connection is { Ended.IsCompleted: false } alive)
        {
            return alive;
        }

        await DropAsync().ConfigureAwait(false);
        if (!NodeIdentity.TryParse(hop.Identity, out NodeIdentity identity) || identity.Role != NodeRole.Worker)
        {
            throw new ClusterException(ClusterFault.Protocol, $"The next hop '{hop.Identity}' isn't a worker.");
        }

        SealedLink link = await LinkConnector.ConnectAsync(new DnsEndPoint(hop.Host, hop.Port), hop.Identity, options.Identity.Credentials, options.Link, cancellationToken).ConfigureAwait(false);
        return _connection = new PeerConnection(link, identity, this);
    }

    public async ValueTask DisposeAsync() => await DropAsync().ConfigureAwait(false);

    ValueTask IPeerHandler.OnActivationsAsync(PeerConnection from, FrameHeader header, ReadOnlyMemory<byte> payload) =>
        throw new ClusterException(ClusterFault.NotAllowed, "Rows don't travel backwards on this link.");

    ValueTask IPeerHandler.OnControlAsync(PeerConnection from, ControlMessage message) =>
        throw new ClusterException(ClusterFault.NotAllowed, "A worker may not send messages to a worker.");

    private async ValueTask DropAsync()
    {
        if (_connection is { } connection)
        {
            _connection = null;
            Interlocked.Add(ref _bytesOfEarlierLinks, connection.Statistics.BytesSent);
            await connection.DisposeAsync().ConfigureAwait(false);
        }
    }
}
