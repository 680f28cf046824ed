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
/// All state below is touched by the one loop alone; links talk to it through queues.
/// </remarks>
public sealed class PlanDriver : IPeerHandler, IAsyncDisposable
{
    private readonly PlanDriverOptions _options;
    private readonly ILogger _log;
    private readonly LinkListener _listener;
    private readonly CancellationTokenSource _stop = new();
    private readonly Channel<DriverEvent> _events = Channel.CreateUnbounded<DriverEvent>(new UnboundedChannelOptions { SingleReader = true });
    private readonly ConcurrentDictionary<(ulong Epoch, ushort Stage), TaskCompletionSource<StageMessage>> _answers = new();
    private readonly Dictionary<NodeId, JoinedWorker> _workers = [];
    private readonly HashSet<NodeId> _expected;
    private readonly TaskCompletionSource<IReadOnlyList<StageStatus>> _inForce = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task _accepting;
    private readonly Task _loop;
    private IReadOnlyList<PeerConnection> _peers = [];
    private int _disposed;

    private PlanDriver(PlanDriverOptions options, EnrolmentServer enrolment, ILogger log, TimeProvider time)
    {
        _options = options;
        _log = log;
        _expected = [.. options.Plan.Segments.Select(s => s.Node).Where(n => n != options.Self)];
        Path = new ClusterPath(options.Shape, options.Route, time);
        _listener = LinkListener.Start(options.Listen, options.Credentials, options.Link, enrolment.ServeAsync);
        _accepting = Task.Run(AcceptAsync);
        _loop = Task.Run(DriveAsync);
    }

    /// <summary>Address that workers connect to.</summary>
    public IPEndPoint LocalEndPoint => _listener.LocalEndPoint;

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
        List<StageReport> reports = [];
        for (int i = 0; i < _options.Plan.Segments.Count; i++)
        {
            PlanSegment segment = _options.Plan.Segments[i];
            PeerConnection? peer = _peers.FirstOrDefault(p => p.Peer.Node == segment.Node);
            if (peer is not null)
            {
                var query = new QueryStage { Epoch = _options.Plan.Epoch.Value, Stage = (ushort)i };
                reports.Add(await AskAsync(peer, query, _options.Route.StepTimeout, cancellationToken).ConfigureAwait(false) as StageReport
                    ?? throw new ClusterException(ClusterFault.Protocol, $"{segment.Node} answered a query with something else."));
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
        if (!_expected.Contains(from.Peer.Node))
        {
            throw new ClusterException(ClusterFault.NotAllowed, $"{from.Peer.Node} isn't in the plan.");
        }

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
                _events.Writer.TryWrite(new DriverEvent(from, hello));
                break;
            case SequenceReserved answer:
                Path.AcceptReservation(answer);
                break;
            case StepFailed failure:
                Path.AcceptFailure(failure, from.Peer.Node.Value);
                break;
            case StageReady or StageRefused or StageReport when message is StageMessage answer:
                if (_answers.TryRemove((answer.Epoch, answer.Stage), out TaskCompletionSource<StageMessage>? waiting))
                {
                    waiting.TrySetResult(answer);
                }

                break;
            default:
                throw new ClusterException(ClusterFault.Protocol, $"A worker may not send {message?.GetType().Name}.");
        }

        return ValueTask.CompletedTask;
    }

    /// <summary>Retires every stage, says goodbye to the workers, and stops to listen.</summary>
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
        foreach (JoinedWorker worker in _workers.Values)
        {
            await worker.Connection.DisposeAsync().ConfigureAwait(false);
        }

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
                NodeIdentity? peer = null;
                if (NodeIdentity.TryParse(link.Peer, out NodeIdentity identity) && identity.Role == NodeRole.Worker && _expected.Contains(identity.Node))
                {
                    peer = identity;
                }

                if (peer is null)
                {
                    _log.LogWarning("Dropped a link of {Peer}: it isn't a worker of the plan.", link.Peer);
                    await link.DisposeAsync().ConfigureAwait(false);
                    continue;
                }

                var connection = new PeerConnection(link, peer, this);
                _ = connection.Ended.ContinueWith(
                    (ended, _) => _events.Writer.TryWrite(new DriverEvent(connection, Hello: null, ended.Result)),
                    null, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
            }
        }
        catch (OperationCanceledException)
        {
            // Stopping.
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
        _log.LogInformation("{Node} joined with model {Model}.", node, hello.ModelName);
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

        await connection.DisposeAsync().ConfigureAwait(false);
        return ours;
    }

    private async Task<bool> TryPutInForceAsync()
    {
        List<RouteStage> stages = [];
        try
        {
            Task<StageReady>[] ready = new Task<StageReady>[_options.Plan.Segments.Count];
            for (int i = 0; i < ready.Length; i++)
            {
                ready[i] = _options.Plan.Segments[i].Node == _options.Self ? Task.FromResult<StageReady>(null!) : AssignAsync(i);
            }

            List<StageStatus> statuses = [];
            int kvTokens = _options.Route.KvTokens;
            for (int i = 0; i < ready.Length; i++)
            {
                PlanSegment segment = _options.Plan.Segments[i];
                if (await ready[i].ConfigureAwait(false) is { } remote)
                {
                    stages.Add(new RouteStage(segment.Layers, segment.Node, null, _workers[segment.Node].Connection));
                    statuses.Add(new StageStatus(segment.Layers, segment.Node, remote.Backend, remote.WeightBytes));
                    kvTokens = Math.Min(kvTokens, remote.KvTokens);
                }
                else
                {
                    var executor = _options.Executors(segment.Layers, _options.Route.KvTokens, _options.Route.MaxRows);
                    stages.Add(new RouteStage(segment.Layers, segment.Node, executor, null));
                    statuses.Add(new StageStatus(segment.Layers, segment.Node, executor.Backend, 0));
                }
            }

            await Path.ActivateAsync(new Route(_options.Plan.Epoch, stages, kvTokens)).ConfigureAwait(false);
            _peers = [.. _workers.Values.Select(w => w.Connection)];
            _log.LogInformation("Plan {Epoch} is in force over {Nodes} node(s).", _options.Plan.Epoch, _expected.Count + 1);
            _inForce.TrySetResult(statuses);
            return true;
        }
        catch (ClusterException e)
        {
            foreach (RouteStage stage in stages)
            {
                stage.Local?.Dispose();
            }

            _log.LogError("The plan can't be put in force: {Reason}", e.Message);
            await Path.BreakAsync(e.Message).ConfigureAwait(false);
            if (e.Fault == ClusterFault.StageRefused)
            {
                _inForce.TrySetException(e);
            }

            return false;
        }
    }

    private async Task<StageReady> AssignAsync(int index)
    {
        PlanSegment segment = _options.Plan.Segments[index];
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
        return await AskAsync(_workers[segment.Node].Connection, assignment, _options.PrepareTimeout, _stop.Token).ConfigureAwait(false) switch
        {
            StageReady answer => answer,
            StageRefused refusal => throw new ClusterException(ClusterFault.StageRefused, $"{segment.Node} can't run layers {segment.Layers}: {refusal.Reason}"),
            _ => throw new ClusterException(ClusterFault.Protocol, $"{segment.Node} answered an assignment with something else."),
        };
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

    private async Task<StageMessage> AskAsync(PeerConnection peer, StageMessage question, TimeSpan patience, CancellationToken cancellationToken)
    {
        var answer = new TaskCompletionSource<StageMessage>(TaskCreationOptions.RunContinuationsAsynchronously);
        var key = (question.Epoch, question.Stage);
        _answers[key] = answer;
        try
        {
            await peer.SendAsync(question, cancellationToken).ConfigureAwait(false);
            Task first = await Task.WhenAny(answer.Task, peer.Ended).WaitAsync(patience, cancellationToken).ConfigureAwait(false);
            return first == answer.Task
                ? await answer.Task.ConfigureAwait(false)
                : throw new ClusterException(ClusterFault.NodeLost, (await peer.Ended.ConfigureAwait(false)).Message);
        }
        catch (Exception e) when (e is LinkException or TimeoutException or ObjectDisposedException)
        {
            throw new ClusterException(ClusterFault.NodeLost, $"{peer.Peer.Node} didn't answer {question.GetType().Name} within {patience.TotalSeconds:0} s: {e.Message}", e);
        }
        finally
        {
            _answers.TryRemove(key, out _);
        }
    }

    private sealed record JoinedWorker(PeerConnection Connection, NodeHello Hello);

    private sealed record DriverEvent(PeerConnection Connection, NodeHello? Hello, ClusterException? Cause = null);
}
