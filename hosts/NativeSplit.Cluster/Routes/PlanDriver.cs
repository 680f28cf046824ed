using System.Collections.Concurrent;
using System.Net;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using NativeSplit.Cluster.Identity;
using NativeSplit.Cluster.Links;
using NativeSplit.Cluster.Messages;
using NativeSplit.Placement;
using NativeSplit.Transport.Frames;
using NativeSplit.Transport.Links;

namespace NativeSplit.Cluster.Routes;

/// <summary>Puts a fixed plan in force: takes workers in, gives each its layers, and keeps the path whole as they come and go.</summary>
/// <remarks>
/// A worker that is lost breaks the path; streams on it end with an error. When the worker is back, the plan is put in force anew.
/// The joined workers belong to the one loop alone; links talk to it through a queue. What a worker says is judged first: it may
/// introduce itself once, and answer for the stages that the plan gives it.
/// </remarks>
public sealed class PlanDriver : IPeerHandler, IAsyncDisposable
{
    private readonly PlanDriverOptions _options;
    private readonly ILogger _log;
    private readonly LinkListener _listener;
    private readonly CancellationTokenSource _stop = new();
    private readonly Channel<DriverEvent> _events = Channel.CreateUnbounded<DriverEvent>(new UnboundedChannelOptions { SingleReader = true });
    private readonly StageQuestions _questions;
    private readonly TimeProvider _time;
    private readonly Dictionary<NodeId, JoinedWorker> _workers = [];
    private readonly Newcomers _newcomers = new();
    private readonly ConcurrentDictionary<PeerConnection, byte> _open = new();
    private readonly HashSet<NodeId> _expected;
    private readonly TaskCompletionSource<IReadOnlyList<StageStatus>> _inForce = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task _accepting;
    private readonly Task _loop;
    private volatile IReadOnlyList<PeerConnection> _peers = [];
    private int _disposed;

    private PlanDriver(PlanDriverOptions options, EnrolmentServer enrolment, ILogger log, TimeProvider time)
    {
        _options = options;
        _log = log;
        _time = time;
        _questions = new StageQuestions(time);
        _expected = [.. options.Plan.Segments.Select(s => s.Node).Where(n => n != options.Self)];
        Path = new ClusterPath(options.Shape, options.Route, time);
        _listener = LinkListener.Start(options.Listen, options.Credentials, options.Link, enrolment.ServeAsync);
        _accepting = Task.Run(AcceptAsync);
        _loop = Task.Run(DriveAsync);
    }

    /// <summary>Address that workers connect to.</summary>
    public IPEndPoint LocalEndPoint => _listener.LocalEndPoint;

    /// <summary>Drops the links of a node, whose certificate was revoked for example. It may join again if its certificate still lets it.</summary>
    /// <param name="node">The node.</param>
    /// <param name="reason">Why, for the log.</param>
    public void Drop(NodeId node, string reason)
    {
        foreach (PeerConnection connection in _open.Keys)
        {
            if (connection.Peer.Node == node)
            {
                connection.Drop(reason);
            }
        }
    }

    /// <summary>The path; broken until the plan is in force.</summary>
    public ClusterPath Path { get; }

    /// <summary>Ends when the plan is first in force; faults when a worker refuses its part.</summary>
    public Task<IReadOnlyList<StageStatus>> InForce => _inForce.Task;

    /// <summary>Starts to listen and to drive.</summary>
    /// <param name="options">What to put in force.</param>
    /// <param name="enrolment">Certifies workers that bring a join token.</param>
    /// <param name="log">Takes what an operator should know.</param>
    /// <param name="time">Clock.</param>
    /// <exception cref="LinkException">The address can't be listened at.</exception>
    public static PlanDriver Start(PlanDriverOptions options, EnrolmentServer enrolment, ILogger log, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(enrolment);
        return new PlanDriver(options, enrolment, log, time);
    }

    /// <summary>Asks every remote stage how it has done.</summary>
    /// <exception cref="ClusterException"><see cref="ClusterFault.NodeLost"/>: a worker didn't answer.</exception>
    public async Task<IReadOnlyList<StageReport>> QueryStagesAsync(CancellationToken cancellationToken)
    {
        IReadOnlyList<PeerConnection> peers = _peers;
        List<StageReport> reports = [];
        for (int i = 0; i < _options.Plan.Segments.Count; i++)
        {
            PlanSegment segment = _options.Plan.Segments[i];
            PeerConnection? peer = peers.FirstOrDefault(p => p.Peer.Node == segment.Node);
            if (peer is not null)
            {
                var query = new QueryStage { Epoch = _options.Plan.Epoch.Value, Stage = (ushort)i };
                reports.Add((StageReport)await _questions.AskAsync(peer, query, _options.Route.StepTimeout, cancellationToken).ConfigureAwait(false));
            }
        }

        return reports;
    }

    /// <summary>Counts of the links to the workers of the plan in force.</summary>
    public IReadOnlyList<LinkStatistics> LinkStatistics() => [.. _peers.Select(p => p.Statistics)];

    /// <inheritdoc/>
    ValueTask IPeerHandler.OnActivationsAsync(PeerConnection from, FrameHeader header, ReadOnlyMemory<byte> payload)
    {
        ArgumentNullException.ThrowIfNull(from);
        RequireStageOf(from, header.Stage - 1);
        Path.AcceptRows(header, payload.Span);
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    ValueTask IPeerHandler.OnControlAsync(PeerConnection from, ControlMessage message)
    {
        ArgumentNullException.ThrowIfNull(from);
        switch (message)
        {
            case NodeHello hello:
                Welcome(from, hello);
                break;
            case SequenceReserved answer:
                RequireStageOf(from, answer.Stage);
                Path.AcceptReservation(answer);
                break;
            case StepFailed failure:
                RequireStageOf(from, failure.Stage);
                Path.AcceptFailure(failure, from.Peer.Node.Value);
                break;
            case StageReady or StageRefused or StageReport:
                _questions.Accept(from, (StageMessage)message);
                break;
            default:
                throw new ClusterException(ClusterFault.Protocol, $"A worker may not send {message?.GetType().Name}.");
        }

        return ValueTask.CompletedTask;
    }

    /// <summary>Stops to listen and says goodbye to the workers, which then retire their stages.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        await _stop.CancelAsync().ConfigureAwait(false);
        await _loop.ConfigureAwait(false);
        await _listener.DisposeAsync().ConfigureAwait(false);
        await _accepting.ConfigureAwait(false);
        await Path.DisposeAsync().ConfigureAwait(false);
        await Task.WhenAll(_workers.Values.Select(worker => worker.Connection).Concat(_newcomers.ToList()).Select(peer => peer.DisposeAsync().AsTask())).ConfigureAwait(false);
        _stop.Dispose();
        _inForce.TrySetCanceled();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                SealedLink link = await _listener.AcceptAsync(_stop.Token).ConfigureAwait(false);
                if (NodeIdentity.TryParse(link.Peer, out NodeIdentity peer) && peer.Role == NodeRole.Worker && _expected.Contains(peer.Node))
                {
                    _ = LeaveWhenEndedAsync(_newcomers.Add(peer.Node, () => new PeerConnection(link, peer, this, _options.Route.StepTimeout, _time)));
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
        ClusterException cause = await connection.Ended.ConfigureAwait(false);
        _newcomers.TryTake(connection);
        _open.TryRemove(connection, out _);
        await connection.DisposeAsync().ConfigureAwait(false);
        _events.Writer.TryWrite(new DriverEvent(connection, Hello: null, cause));
    }

    private void Welcome(PeerConnection from, NodeHello hello)
    {
        if (hello.Port is < 1 or > IPEndPoint.MaxPort || (hello.AdvertisedHost is { } host && Uri.CheckHostName(host) == UriHostNameType.Unknown))
        {
            throw new ClusterException(ClusterFault.Protocol, $"{from.Peer.Node} can't be reached at '{PeerText.Clean(hello.AdvertisedHost ?? string.Empty)}', port {hello.Port}.");
        }

        if (!_newcomers.TryTake(from))
        {
            throw new ClusterException(ClusterFault.Protocol, $"{from.Peer.Node} said hello twice, or on a link that a newer one has replaced.");
        }

        _events.Writer.TryWrite(new DriverEvent(from, hello));
    }

    /// <exception cref="ClusterException"><see cref="ClusterFault.NotAllowed"/>: the plan gives that stage to another node.</exception>
    private void RequireStageOf(PeerConnection from, int stage)
    {
        if (stage < 0 || stage >= _options.Plan.Segments.Count || _options.Plan.Segments[stage].Node != from.Peer.Node)
        {
            throw new ClusterException(ClusterFault.NotAllowed, $"{from.Peer.Node} answered for stage {stage}, which isn't its own.");
        }
    }

    private async Task DriveAsync()
    {
        try
        {
            bool inForce = _expected.Count == 0 && await TryPutInForceAsync().ConfigureAwait(false);
            while (true)
            {
                DriverEvent change = await _events.Reader.ReadAsync(_stop.Token).ConfigureAwait(false);
                if (change.Hello is { } hello)
                {
                    await TakeInAsync(change.Connection, hello).ConfigureAwait(false);
                    inForce = false;
                }
                else if (await LetGoAsync(change.Connection, change.Cause!).ConfigureAwait(false))
                {
                    inForce = false;
                }

                if (!inForce && _expected.All(_workers.ContainsKey))
                {
                    inForce = await TryPutInForceAsync().ConfigureAwait(false);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // Stopping.
        }
        catch (Exception e)
        {
            _log.LogCritical(e, "The plan driver failed.");
            _inForce.TrySetException(e);
            await Path.BreakAsync($"The plan driver failed: {e.Message}").ConfigureAwait(false);
        }
    }

    private async Task TakeInAsync(PeerConnection connection, NodeHello hello)
    {
        NodeId node = connection.Peer.Node;
        if (_workers.Remove(node, out JoinedWorker? old))
        {
            await Path.BreakAsync($"{node} joined anew.").ConfigureAwait(false);
            await old.Connection.DisposeAsync().ConfigureAwait(false);
        }

        _workers[node] = new JoinedWorker(connection, hello);
        _log.LogInformation("{Node} joined with model {Model}.", node, PeerText.Clean(hello.ModelName));
    }

    private async Task<bool> LetGoAsync(PeerConnection connection, ClusterException cause)
    {
        bool ours = _workers.TryGetValue(connection.Peer.Node, out JoinedWorker? worker) && worker.Connection == connection;
        if (ours)
        {
            _workers.Remove(connection.Peer.Node);
            _log.LogWarning("Lost {Node}: {Reason}", connection.Peer.Node, cause.Message);
            await Path.BreakAsync($"Worker {connection.Peer.Node} is lost: {cause.Message}").ConfigureAwait(false);
        }

        return ours;
    }

    private async Task<bool> TryPutInForceAsync()
    {
        List<RouteStage> stages = [];
        try
        {
            // Every answer is awaited, also past a refusal, so that none is left over for the next attempt.
            StageReady?[] ready = await Task.WhenAll(Enumerable.Range(0, _options.Plan.Segments.Count).Select(AssignAsync)).ConfigureAwait(false);
            List<StageStatus> statuses = [];
            for (int i = 0; i < ready.Length; i++)
            {
                PlanSegment segment = _options.Plan.Segments[i];
                if (ready[i] is { } remote)
                {
                    stages.Add(new RouteStage(segment.Layers, segment.Node, null, _workers[segment.Node].Connection));
                    statuses.Add(new StageStatus(segment.Layers, segment.Node, PeerText.Clean(remote.Backend), remote.WeightBytes));
                }
                else
                {
                    var executor = _options.Executors(segment.Layers, _options.Route.KvTokens, _options.Route.MaxRows);
                    stages.Add(new RouteStage(segment.Layers, segment.Node, executor, null));
                    statuses.Add(new StageStatus(segment.Layers, segment.Node, executor.Backend, 0));
                }
            }

            _peers = [.. _workers.Values.Select(w => w.Connection)];
            await Path.ActivateAsync(new Route(_options.Plan.Epoch, stages)).ConfigureAwait(false);
            _log.LogInformation("Plan {Epoch} is in force over {Nodes} node(s).", _options.Plan.Epoch, _expected.Count + 1);
            _inForce.TrySetResult(statuses);
            return true;
        }
        catch (Exception e)
        {
            foreach (RouteStage stage in stages)
            {
                stage.Local?.Dispose();
            }

            if (e is OperationCanceledException)
            {
                throw;
            }

            _log.LogError("The plan can't be put in force: {Reason}", e.Message);
            await Path.BreakAsync($"The plan can't be put in force: {e.Message}").ConfigureAwait(false);
            if (e is not ClusterException { Fault: ClusterFault.NodeLost })
            {
                _inForce.TrySetException(e);
            }

            return false;
        }
    }

    /// <summary>Assigns a segment to its worker; null when it is the gateway's own.</summary>
    private async Task<StageReady?> AssignAsync(int index)
    {
        PlanSegment segment = _options.Plan.Segments[index];
        if (segment.Node == _options.Self)
        {
            return null;
        }

        PeerConnection worker = _workers[segment.Node].Connection;
        var assignment = new AssignStage
        {
            Epoch = _options.Plan.Epoch.Value,
            Stage = (ushort)index,
            LayerStart = segment.Layers.Start,
            LayerEnd = segment.Layers.End,
            ModelFingerprint = _options.ModelFingerprint,
            Encoding = (byte)_options.Route.Encoding,
            MaxRows = _options.Route.MaxRows,
            MaxSequences = _options.Route.MaxSequences,
            KvTokens = _options.Route.KvTokens,
            Previous = PreviousOf(index),
            Next = NextHopOf(index),
        };
        try
        {
            return await _questions.AskAsync(worker, assignment, _options.PrepareTimeout, _stop.Token).ConfigureAwait(false) switch
            {
                StageReady answer when answer.KvTokens >= assignment.KvTokens => answer,
                StageReady answer => throw new ClusterException(ClusterFault.StageRefused, $"{segment.Node} holds {answer.KvTokens} positions of KV cache, {assignment.KvTokens} were asked for."),
                StageRefused refusal => throw new ClusterException(ClusterFault.StageRefused, $"{segment.Node} can't run layers {segment.Layers}: {PeerText.Clean(refusal.Reason)}"),
                _ => throw new ClusterException(ClusterFault.Protocol, $"{segment.Node} answered an assignment with something else."),
            };
        }
        catch (ClusterException e) when (e.Fault == ClusterFault.NodeLost)
        {
            // Its end is the event that leads to the next attempt: a worker that lives joins anew.
            worker.Drop(e.Message);
            throw;
        }
    }

    private string PreviousOf(int index)
    {
        NodeId? previous = index == 0 ? null : _options.Plan.Segments[index - 1].Node;
        return previous is { } node && node != _options.Self
            ? _workers[node].Connection.Peer.Uri
            : CredentialStore.IdentityOf(_options.Credentials.Certificate).Uri;
    }

    private NextHop? NextHopOf(int index)
    {
        if (index + 1 == _options.Plan.Segments.Count || _options.Plan.Segments[index + 1].Node == _options.Self)
        {
            return null;
        }

        JoinedWorker next = _workers[_options.Plan.Segments[index + 1].Node];
        return new NextHop(next.Connection.Peer.Uri, next.Hello.AdvertisedHost ?? SeenAt(next.Connection), next.Hello.Port);
    }

    private static string SeenAt(PeerConnection worker) => ((IPEndPoint)worker.RemoteEndPoint).Address.ToString();

    private sealed record JoinedWorker(PeerConnection Connection, NodeHello Hello);

    private sealed record DriverEvent(PeerConnection Connection, NodeHello? Hello, ClusterException? Cause = null);
}
