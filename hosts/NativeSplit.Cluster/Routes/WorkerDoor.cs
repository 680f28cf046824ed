using System.Collections.Concurrent;
using System.Net;
using Microsoft.Extensions.Logging;
using NativeSplit.Cluster.Identity;
using NativeSplit.Cluster.Links;
using NativeSplit.Cluster.Messages;
using NativeSplit.Placement;
using NativeSplit.Transport.Links;

namespace NativeSplit.Cluster.Routes;

/// <summary>Takes links of workers in, judges how they introduce themselves, and tells when they end.</summary>
internal sealed class WorkerDoor : IAsyncDisposable
{
    private readonly PlanDriverOptions _options;
    private readonly IPeerHandler _handler;
    private readonly Func<NodeId, bool> _isExpected;
    private readonly Func<PeerConnection, ClusterException, Task> _left;
    private readonly ILogger _log;
    private readonly TimeProvider _time;
    private readonly LinkListener _listener;
    private readonly CancellationTokenSource _stop = new();
    private readonly Newcomers _newcomers = new();
    private readonly ConcurrentDictionary<PeerConnection, byte> _open = new();
    private Task _accepting = Task.CompletedTask;

    /// <summary>Starts to listen; links wait until <see cref="Open"/>.</summary>
    /// <param name="options">Address, credentials and limits.</param>
    /// <param name="enrolment">Certifies workers that bring a join token.</param>
    /// <param name="handler">Takes what workers send.</param>
    /// <param name="isExpected">Whether a node may come in.</param>
    /// <param name="left">Told of each link that ended; disposes it.</param>
    /// <param name="log">Takes what an operator should know.</param>
    /// <param name="time">Clock.</param>
    /// <exception cref="LinkException">The address can't be listened at.</exception>
    public WorkerDoor(PlanDriverOptions options, EnrolmentServer enrolment, IPeerHandler handler, Func<NodeId, bool> isExpected, Func<PeerConnection, ClusterException, Task> left, ILogger log, TimeProvider time)
    {
        (_options, _handler, _isExpected, _left, _log, _time) = (options, handler, isExpected, left, log, time);
        _listener = LinkListener.Start(options.Listen, options.Credentials, options.Link, enrolment.ServeAsync, enrolment.RenewAsync);
    }

    /// <summary>Starts to take links in; once the handler can answer.</summary>
    public void Open() => _accepting = Task.Run(AcceptAsync);

    /// <summary>Address that workers connect to.</summary>
    public IPEndPoint LocalEndPoint => _listener.LocalEndPoint;

    /// <summary>Links that haven't said hello yet.</summary>
    public IReadOnlyList<PeerConnection> Newcomers => _newcomers.ToList();

    /// <summary>Drops the links of a node.</summary>
    public void Drop(NodeId node, string reason)
    {
        foreach (PeerConnection connection in _open.Keys.Where(open => open.Peer.Node == node))
        {
            connection.Drop(reason);
        }
    }

    /// <summary>Tells the workers that are here that certificates were revoked.</summary>
    public void Announce(IReadOnlyList<string> serials) => _ = Task.WhenAll(_open.Keys.Select(connection => RevocationNotices.SendAsync(connection, () => serials, _log)));

    /// <summary>Judges a hello.</summary>
    /// <exception cref="ClusterException"><see cref="ClusterFault.Protocol"/>: it can't be true, or the worker has said hello before.</exception>
    public void Admit(PeerConnection from, NodeHello hello)
    {
        if (hello.Port is < 1 or > IPEndPoint.MaxPort || (hello.AdvertisedHost is { } host && Uri.CheckHostName(host) == UriHostNameType.Unknown))
        {
            throw new ClusterException(ClusterFault.Protocol, $"{from.Peer.Node} can't be reached at '{PeerText.Clean(hello.AdvertisedHost ?? string.Empty)}', port {hello.Port}.");
        }

        hello.Profile?.Judge();
        if (!_newcomers.TryTake(from))
        {
            throw new ClusterException(ClusterFault.Protocol, $"{from.Peer.Node} said hello twice, or on a link that a newer one has replaced.");
        }
    }

    /// <summary>Stops to listen; links that are open stay so.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _listener.DisposeAsync().ConfigureAwait(false);
        await _accepting.ConfigureAwait(false);
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                SealedLink link = await _listener.AcceptAsync(_stop.Token).ConfigureAwait(false);
                if (NodeIdentity.TryRead(link, out NodeIdentity peer) && peer.Role == NodeRole.Worker && _isExpected(peer.Node))
                {
                    _ = LeaveWhenEndedAsync(_newcomers.Add(peer.Node, () => new PeerConnection(link, peer, _handler, _options.Route.StepTimeout, _time)));
                }
                else
                {
                    // Not awaited: a peer that is slow to say goodbye must not hold up the next one.
                    _log.LogWarning("Dropped a link of {Peer}: it isn't a worker of the plan.", link.Peer);
                    _ = link.DisposeAsync().AsTask();
                }
            }
        }
        catch (OperationCanceledException)
        {
            // Stopping.
        }
    }

    private async Task LeaveWhenEndedAsync(PeerConnection connection)
    {
        _open[connection] = 0;
        _ = RevocationNotices.SendAsync(connection, _options.RevokedSerials, _log);
        ClusterException cause = await connection.Ended.ConfigureAwait(false);
        _newcomers.TryTake(connection);
        _open.TryRemove(connection, out _);
        await _left(connection, cause).ConfigureAwait(false);
    }
}
