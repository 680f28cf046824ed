using System.Net;
using NativeSplit.Cluster;
using NativeSplit.Cluster.Identity;
using NativeSplit.Cluster.Links;
using NativeSplit.Cluster.Messages;
using NativeSplit.Transport.Frames;
using NativeSplit.Transport.Links;

namespace NativeSplit.Worker;

/// <summary>The link to the worker that runs the next segment. Dialled at assignment, and anew after a break.</summary>
/// <remarks><see cref="ConnectAsync"/> is for one caller at a time; disposal may come from any thread and ends a dial or a send under way.</remarks>
internal sealed class NextHopLink(NextHop hop, WorkerOptions options, TimeProvider time) : IPeerHandler, IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _gate = new();
    private PeerConnection? _connection;
    private bool _closed;
    private long _bytesOfEarlierLinks;

    /// <summary>Bytes sent so far, over all links to this hop.</summary>
    public long BytesSent
    {
        get
        {
            lock (_gate)
            {
                return _bytesOfEarlierLinks + (_connection?.Statistics.BytesSent ?? 0);
            }
        }
    }

    /// <summary>The link, dialled if there is none.</summary>
    /// <exception cref="LinkException">The hop can't be reached, or isn't who it must be.</exception>
    /// <exception cref="ClusterException">The hop isn't a worker, or the stage is retired meanwhile.</exception>
    public async ValueTask<PeerConnection> ConnectAsync(CancellationToken cancellationToken)
    {
        if (Volatile.Read(ref _connection) is { Ended.IsCompleted: false } alive)
        {
            return alive;
        }

        if (Take(close: false) is { } dead)
        {
            await dead.DisposeAsync().ConfigureAwait(false);
        }

        if (!NodeIdentity.TryParse(hop.Identity, out NodeIdentity identity) || identity.Role != NodeRole.Worker)
        {
            throw new ClusterException(ClusterFault.Protocol, $"The next hop '{hop.Identity}' isn't a worker.");
        }

        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _stop.Token);
        SealedLink link = await LinkConnector.ConnectAsync(new DnsEndPoint(hop.Host, hop.Port), hop.Identity, options.Identity.Credentials, options.Link, either.Token).ConfigureAwait(false);
        lock (_gate)
        {
            if (!_closed)
            {
                _connection = new PeerConnection(link, identity, this, options.SendTimeout, time);
                options.Identity.Revoked.Watch(_connection);
                return _connection;
            }
        }

        await link.DisposeAsync().ConfigureAwait(false);
        throw new ClusterException(ClusterFault.NodeLost, $"The stage before {identity.Node} is retired.");
    }

    public async ValueTask DisposeAsync()
    {
        PeerConnection? connection = Take(close: true);
        await _stop.CancelAsync().ConfigureAwait(false);
        if (connection is not null)
        {
            await connection.DisposeAsync().ConfigureAwait(false);
        }

        _stop.Dispose();
    }

    ValueTask IPeerHandler.OnActivationsAsync(PeerConnection from, FrameHeader header, ReadOnlyMemory<byte> payload) =>
        throw new ClusterException(ClusterFault.NotAllowed, "Rows don't travel backwards on this link.");

    ValueTask IPeerHandler.OnBulkAsync(PeerConnection from, FrameHeader header, ReadOnlyMemory<byte> payload) =>
        throw new ClusterException(ClusterFault.NotAllowed, "KV pages don't travel backwards on this link.");

    ValueTask IPeerHandler.OnControlAsync(PeerConnection from, ControlMessage message) =>
        throw new ClusterException(ClusterFault.NotAllowed, "A worker may not send messages to a worker.");

    private PeerConnection? Take(bool close)
    {
        lock (_gate)
        {
            _closed |= close;
            PeerConnection? connection = _connection;
            _connection = null;
            _bytesOfEarlierLinks += connection?.Statistics.BytesSent ?? 0;
            return connection;
        }
    }
}
