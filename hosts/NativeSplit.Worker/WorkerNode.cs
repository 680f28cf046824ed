using System.Collections.Concurrent;
using System.Net;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using NativeSplit.Cluster;
using NativeSplit.Cluster.Identity;
using NativeSplit.Cluster.Links;
using NativeSplit.Cluster.Messages;
using NativeSplit.Cluster.Plans;
using NativeSplit.Engine;
using NativeSplit.Engine.Execution;
using NativeSplit.Model;
using NativeSplit.Transport.Frames;
using NativeSplit.Transport.Links;

namespace NativeSplit.Worker;

/// <summary>A worker: runs the layers that the gateway assigns, between the links it comes from and goes to. It sees activations only.</summary>
public sealed class WorkerNode : IPeerHandler, IAsyncDisposable
{
    private static readonly TimeSpan FirstRetry = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LastRetry = TimeSpan.FromSeconds(10);

    /// <summary>Links of one other worker at a time: one for each stage it may hold, and as many that are still ending.</summary>
    private const int LinksPerPeer = 8;

    private readonly WorkerOptions _options;
    private readonly ILogger _log;
    private readonly TimeProvider _time;
    private readonly LinkListener _listener;
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<(ulong Epoch, ushort Stage), AssignedStage> _stages = new();
    private readonly ConcurrentDictionary<PeerConnection, byte> _peers = new();
    private readonly Channel<Order> _orders = Channel.CreateUnbounded<Order>(new UnboundedChannelOptions { SingleReader = true });
    private readonly PlanGuard _plans;
    private readonly NodeSurvey _survey;
    private readonly KvCourier _courier;
    private readonly Task _accepting;
    private readonly Task _obeying;
    private int _disposed;

    private WorkerNode(WorkerOptions options, ILogger log, TimeProvider time)
    {
        _options = options;
        _log = log;
        _time = time;
        _plans = options.Plans ?? new PlanGuard(options.Identity, highest: null, static _ => { }, time);
        _listener = LinkListener.Start(options.Listen, options.Identity.Source, options.Link);
        _survey = new NodeSurvey(options, HeldBytes, log, time);
        _courier = new KvCourier((epoch, stage) => _stages.GetValueOrDefault((epoch, stage)), options, log, time);
        _accepting = Task.Run(AcceptAsync);
        _obeying = Task.Run(ObeyAsync);
    }

    /// <summary>Address that other workers connect to.</summary>
    public IPEndPoint LocalEndPoint => _listener.LocalEndPoint;

    /// <summary>Starts to listen for other workers.</summary>
    /// <exception cref="LinkException">The address can't be listened at.</exception>
    public static WorkerNode Start(WorkerOptions options, ILogger log, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(options);
        return new WorkerNode(options, log, time);
    }

    /// <summary>Serves the gateway until cancelled (or, with <see cref="WorkerOptions.ExitWithGateway"/>, until it leaves), reconnecting as needed.</summary>
    /// <exception cref="LinkException">The first connection failed.</exception>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _stop.Token);
        bool connectedBefore = false;
        TimeSpan retry = FirstRetry;
        while (true)
        {
            try
            {
                ClusterException end = await ServeGatewayAsync(either.Token).ConfigureAwait(false);
                connectedBefore = true;
                retry = FirstRetry;
                _log.LogWarning("{Reason}", end.Message);
                if (_options.ExitWithGateway)
                {
                    return;
                }
            }
            catch (LinkException e) when (connectedBefore && e.Fault != LinkFault.AuthenticationFailed)
            {
                _log.LogInformation("The gateway isn't back yet: {Reason}", e.Message);
            }

            await Task.Delay(retry, _time, either.Token).ConfigureAwait(false);
            retry = retry * 2 < LastRetry ? retry * 2 : LastRetry;
        }
    }

    /// <inheritdoc/>
    async ValueTask IPeerHandler.OnActivationsAsync(PeerConnection from, FrameHeader header, ReadOnlyMemory<byte> payload)
    {
        if (!_stages.TryGetValue((header.Epoch, header.Stage), out AssignedStage? stage))
        {
            // A plan that was retired while the rows were on their way: the gateway has given the step up.
            _log.LogDebug("Rows for epoch {Epoch} stage {Stage}, which isn't here.", header.Epoch, header.Stage);
            return;
        }

        if (from.Peer.Uri != stage.Previous)
        {
            throw new ClusterException(ClusterFault.NotAllowed, $"Rows for stage {header.Stage} must come from {stage.Previous}.");
        }

        try
        {
            await stage.EnqueueAsync(header, payload).ConfigureAwait(false);
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
        {
            // Retired in this very moment; as above.
        }
    }

    /// <inheritdoc/>
    async ValueTask IPeerHandler.OnBulkAsync(PeerConnection from, FrameHeader header, ReadOnlyMemory<byte> payload)
    {
        if (!_stages.TryGetValue((header.Epoch, header.Stage), out AssignedStage? stage) || stage.IsRunning)
        {
            _log.LogDebug("KV pages for epoch {Epoch} stage {Stage}, which isn't here or runs already.", header.Epoch, header.Stage);
            return;
        }

        if (!stage.TakesKvFrom(from.Peer))
        {
            throw new ClusterException(ClusterFault.NotAllowed, $"{from.Peer.Node} may not send KV pages to stage {header.Stage}.");
        }

        try
        {
            await stage.Inbox.AcceptAsync(header, payload).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // Retired in this very moment.
        }
        catch (ClusterException e) when (e.Fault == ClusterFault.Unsupported)
        {
            stage.TellUnsupported(new SequenceId(header.Batch), e.Message);
        }
    }

    /// <inheritdoc/>
    ValueTask IPeerHandler.OnControlAsync(PeerConnection from, ControlMessage message)
    {
        ArgumentNullException.ThrowIfNull(from);
        if (from.Peer.Role != NodeRole.Gateway)
        {
            throw new ClusterException(ClusterFault.NotAllowed, "Only the gateway may send messages to a worker.");
        }

        switch (message)
        {
            case PublishPlan or AssignStage or RetireStage:
                _orders.Writer.TryWrite(new Order(from, message));
                break;
            case ReserveSequence reserve when _stages.TryGetValue((reserve.Epoch, reserve.Stage), out AssignedStage? stage) && reserve.Tokens > 0:
                stage.Runner.Reserve(new SequenceId(reserve.Sequence), reserve.Tokens);
                break;
            case FreeSequence free when _stages.TryGetValue((free.Epoch, free.Stage), out AssignedStage? stage):
                stage.Free(new SequenceId(free.Sequence));
                break;
            case QueryStage query when _stages.TryGetValue((query.Epoch, query.Stage), out AssignedStage? stage):
                return from.SendAsync(stage.Report(), CancellationToken.None);
            case ReserveSequence reserve:
                return from.SendAsync(new SequenceReserved { Epoch = reserve.Epoch, Stage = reserve.Stage, Sequence = reserve.Sequence, Granted = false }, CancellationToken.None);
            case FreeSequence or QueryStage:
                break;
            case MoveKv move:
                _courier.Post(from, move);
                break;
            case RevokeCertificates revoked:
                _options.Identity.Revoked.Add(revoked.Serials);
                break;
            case QueryNode query:
                _survey.Post(from, query);
                break;
            default:
                throw new ClusterException(ClusterFault.Protocol, $"The gateway may not send {message?.GetType().Name} to a worker.");
        }

        return ValueTask.CompletedTask;
    }

    /// <summary>Drops every stage and link.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        await _stop.CancelAsync().ConfigureAwait(false);
        await _listener.DisposeAsync().ConfigureAwait(false);
        await _accepting.ConfigureAwait(false);
        await _survey.DisposeAsync().ConfigureAwait(false);
        await _courier.DisposeAsync().ConfigureAwait(false);
        _orders.Writer.TryComplete();

        // At the same time: a peer's receive loop may wait for room in a stage, and a stage being prepared must be seen to its end.
        await Task.WhenAll([RetireAllAsync(), _obeying, .. _peers.Keys.Select(peer => peer.DisposeAsync().AsTask())]).ConfigureAwait(false);
        await RetireAllAsync().ConfigureAwait(false);
    }

    private async Task<ClusterException> ServeGatewayAsync(CancellationToken cancellationToken)
    {
        SealedLink link = await LinkConnector.ConnectAsync(_options.Gateway, _options.Identity.Gateway.Uri, _options.Identity.Credentials, _options.Link, cancellationToken).ConfigureAwait(false);
        var gateway = new PeerConnection(link, _options.Identity.Gateway, this, _options.SendTimeout, _time);
        try
        {
            var hello = new NodeHello
            {
                Port = LocalEndPoint.Port,
                AdvertisedHost = _options.AdvertisedHost,
                ModelFingerprint = _options.Model.Fingerprint.Value,
                ModelName = _options.Model.Name,
                WeightKey = _options.WeightKey,
                Profile = _options.MeasuresAtJoin ? _survey.Profile : null,
            };
            await gateway.SendAsync(hello, cancellationToken).ConfigureAwait(false);
            _log.LogInformation("Joined {Gateway} as {Node}.", _options.Gateway, _options.Identity.Self.Node);
            return await gateway.Ended.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            // The link first: the gateway must know at once, while a stage may have a batch to finish.
            Task closing = gateway.DisposeAsync().AsTask();
            await RetireAllAsync().ConfigureAwait(false);
            await closing.ConfigureAwait(false);
        }
    }

    private long HeldBytes() => _stages.Values.Sum(stage => stage.WeightBytes);

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                SealedLink link = await _listener.AcceptAsync(_stop.Token).ConfigureAwait(false);
                if (!NodeIdentity.TryRead(link, out NodeIdentity peer) || peer.Role != NodeRole.Worker || peer.Domain != _options.Identity.Self.Domain)
                {
                    Refuse(link, "it isn't a worker of this cluster");
                    continue;
                }

                if (_peers.Keys.Count(known => known.Peer.Node == peer.Node) >= LinksPerPeer)
                {
                    Refuse(link, $"it has {LinksPerPeer} already");
                    continue;
                }

                var connection = new PeerConnection(link, peer, this, _options.SendTimeout, _time);
                _peers[connection] = 0;
                _options.Identity.Revoked.Watch(connection);
                _ = ForgetWhenEndedAsync(connection);
            }
        }
        catch (OperationCanceledException)
        {
            // Stopping.
        }
    }

    private void Refuse(SealedLink link, string reason)
    {
        _log.LogWarning("Dropped a link of {Peer}: {Reason}.", link.Peer, reason);

        // Not awaited: a peer that is slow to say goodbye must not hold up the next one.
        _ = link.DisposeAsync().AsTask();
    }

    private async Task ForgetWhenEndedAsync(PeerConnection connection)
    {
        ClusterException end = await connection.Ended.ConfigureAwait(false);
        _log.LogDebug("{Reason}", end.Message);
        _peers.TryRemove(connection, out _);
        await connection.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>Obeys the gateway's orders one after the other, in the order they came. Ends once no more come and the last is done.</summary>
    private async Task ObeyAsync()
    {
        await foreach (Order order in _orders.Reader.ReadAllAsync(CancellationToken.None).ConfigureAwait(false))
        {
            if (_stop.IsCancellationRequested || order.Gateway.Ended.IsCompleted)
            {
                continue;
            }

            switch (order.Message)
            {
                case PublishPlan publication:
                    Judge(publication);
                    break;
                case AssignStage assignment:
                    await AssignAsync(order.Gateway, assignment).ConfigureAwait(false);
                    break;
                case RetireStage retirement:
                    await RetireAsync(retirement.Epoch, retirement.Stage).ConfigureAwait(false);
                    break;
            }
        }
    }

    /// <summary>Lets a plan in, or not: then the guard knows why, and its assignments are refused.</summary>
    private void Judge(PublishPlan publication)
    {
        try
        {
            byte[] bytes = new byte[publication.Plan.Length];
            SignedPlan plan = _plans.Accept(Convert.TryFromBase64String(publication.Plan, bytes, out int length) ? bytes.AsMemory(0, length) : default);
            _log.LogDebug("Knows plan {Epoch} of term {Term}, signed by {Signer}.", plan.Plan.Epoch, plan.Term, plan.Signer);
        }
        catch (ClusterException e)
        {
            _log.LogError("{Reason}", e.Message);
        }
    }

    private async Task AssignAsync(PeerConnection gateway, AssignStage assignment)
    {
        ControlMessage answer;
        try
        {
            answer = await PrepareAsync(gateway, assignment).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            // Everything: an assignment without an answer leaves the gateway waiting, and no order after it would be obeyed.
            _log.LogError("Refused layers [{Start}, {End}): {Reason}", assignment.LayerStart, assignment.LayerEnd, e.Message);
            answer = new StageRefused { Epoch = assignment.Epoch, Stage = assignment.Stage, Reason = e.Message };
        }

        try
        {
            await gateway.SendAsync(answer, _stop.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is LinkException or ObjectDisposedException or OperationCanceledException)
        {
            await RetireAsync(assignment.Epoch, assignment.Stage).ConfigureAwait(false);
        }
    }

    private async Task<ControlMessage> PrepareAsync(PeerConnection gateway, AssignStage assignment)
    {
        AssignmentCheck.Throw(assignment, _options, _plans);
        await RetireAsync(assignment.Epoch, assignment.Stage).ConfigureAwait(false);

        NextHopLink? next = assignment.Next is null ? null : new NextHopLink(assignment.Next, _options, _time);
        ILayerExecutor? executor = null;
        try
        {
            var layers = new LayerRange(assignment.LayerStart, assignment.LayerEnd);
            executor = _options.Executors(layers, assignment.KvTokens, assignment.MaxRows);
            if (next is not null)
            {
                await next.ConnectAsync(_stop.Token).ConfigureAwait(false);
            }

            var ready = new StageReady
            {
                Epoch = assignment.Epoch,
                Stage = assignment.Stage,
                Backend = executor.Backend,
                WeightBytes = _options.WeightBytes(layers),
                KvTokens = executor.KvCacheUse.CapacityTokens,
            };
            _stages[(assignment.Epoch, assignment.Stage)] = new AssignedStage(assignment, executor, ready.WeightBytes, gateway, next, _log);
            _log.LogInformation("Runs layers {Layers} of plan {Epoch} on {Backend}.", layers, assignment.Epoch, executor.Backend);
            return ready;
        }
        catch
        {
            executor?.Dispose();
            if (next is not null)
            {
                await next.DisposeAsync().ConfigureAwait(false);
            }

            throw;
        }
    }

    private async Task RetireAsync(ulong epoch, ushort stage)
    {
        if (_stages.TryRemove((epoch, stage), out AssignedStage? old))
        {
            await old.DisposeAsync().ConfigureAwait(false);
        }
    }

    private async Task RetireAllAsync()
    {
        foreach ((ulong epoch, ushort stage) in _stages.Keys)
        {
            await RetireAsync(epoch, stage).ConfigureAwait(false);
        }
    }

    private readonly record struct Order(PeerConnection Gateway, ControlMessage Message);
}
