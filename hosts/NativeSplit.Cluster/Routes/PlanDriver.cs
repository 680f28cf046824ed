using System.Net;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using NativeSplit.Cluster.Capacity;
using NativeSplit.Cluster.Identity;
using NativeSplit.Cluster.Links;
using NativeSplit.Cluster.Messages;
using NativeSplit.Cluster.Plans;
using NativeSplit.Placement;
using NativeSplit.Transport.Frames;
using NativeSplit.Transport.Links;

namespace NativeSplit.Cluster.Routes;

/// <summary>Keeps the best possible plan in force: takes workers in, gives each its layers, and changes the plan as they come and go.</summary>
/// <remarks>
/// <para>A plan is prepared whole beside the one in force, then the path switches between two steps, then the old stages are retired. A
/// preparation that fails leaves the old plan serving. A worker that is lost breaks the path until a plan without it, or with it once
/// it is back, is in force.</para>
/// <para>The joined workers belong to the one loop alone; links talk to it through a queue. What a worker says is judged first: it may
/// introduce itself once, and answer for the stages that a plan in force or in preparation gives it.</para>
/// </remarks>
public sealed class PlanDriver : IPeerHandler, IAsyncDisposable
{
    private static readonly TimeSpan StoreRetry = TimeSpan.FromSeconds(1);

    private readonly PlanDriverOptions _options;
    private readonly ILogger _log;
    private readonly WorkerDoor _door;
    private readonly CancellationTokenSource _stop = new();
    private readonly Channel<DriverEvent> _events = Channel.CreateUnbounded<DriverEvent>(new UnboundedChannelOptions { SingleReader = true });
    private readonly StageQuestions _questions;
    private readonly TimeProvider _time;
    private readonly Dictionary<NodeId, JoinedWorker> _workers = [];
    private readonly HashSet<int> _refused = [];
    private readonly TaskCompletionSource<IReadOnlyList<StageStatus>> _inForce = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task _loop;
    private volatile IReadOnlyList<PeerConnection> _peers = [];
    private volatile IReadOnlyList<EpochPlan> _known = [];
    private volatile IReadOnlyList<JoinedWorker> _joined = [];
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile HashSet<NodeId> _expected = [];
    private IReadOnlyList<Plan> _plans = [];
    private Proposal? _proposal;
    private EpochPlan? _active;
    private ulong _lastEpoch;
    private int _disposed;

    private PlanDriver(PlanDriverOptions options, EnrolmentServer enrolment, ILogger log, TimeProvider time)
    {
        _options = options;
        _log = log;
        _time = time;
        _questions = new StageQuestions(time);
        _lastEpoch = options.Publisher.Last.Value;
        Adopt(options.Plans);
        Path = new ClusterPath(options.Shape, options.Route, time);
        Probe = new ClusterProbe(options, _questions, Path, () => Volatile.Read(ref _active), () => _joined, time);
        _door = new WorkerDoor(options, enrolment, this, node => options.TakesAnyWorker || _expected.Contains(node), LeaveAsync, log, time);
        _door.Open();
        _loop = Task.Run(DriveAsync);
    }

    /// <summary>Address that workers connect to.</summary>
    public IPEndPoint LocalEndPoint => _door.LocalEndPoint;

    /// <summary>Drops the links of a node, whose certificate was revoked for example. It may join again if its certificate still lets it.</summary>
    /// <param name="node">The node.</param>
    /// <param name="reason">Why, for the log.</param>
    public void Drop(NodeId node, string reason) => _door.Drop(node, reason);

    /// <summary>Tells the workers that are here that certificates were revoked.</summary>
    /// <param name="serials">Their serial numbers.</param>
    public void Announce(IReadOnlyList<string> serials) => _door.Announce(serials);

    /// <summary>The path; broken until the plan is in force.</summary>
    public ClusterPath Path { get; }

    /// <summary>Asks what nodes, stages and links can do.</summary>
    public ClusterProbe Probe { get; }

    /// <summary>Workers that have joined and not left.</summary>
    public IReadOnlyList<WorkerStatus> Workers => [.. _joined.Select(worker => new WorkerStatus(worker.Connection.Peer.Node, worker.Connection.Peer.IsTrusted, worker.Hello.Profile))];

    /// <summary>Ends when workers, or the plan in force, change next.</summary>
    public Task Changed => Volatile.Read(ref _changed).Task;

    /// <summary>Ends when a plan is first in force; faults when workers refuse their parts of every one.</summary>
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

    /// <summary>The plan in force, with the epoch it was given; null while there is none.</summary>
    public Plan? Current => Volatile.Read(ref _active) is { } active ? active.Plan with { Epoch = active.Epoch } : null;

    /// <summary>How the last change of plan went; null before the first.</summary>
    public SwitchReport? LastSwitch { get; private set; }

    /// <summary>Changes the plans. One that is possible is put in force at once, while streams go on; the old one serves until then.</summary>
    /// <param name="plans">Plans in order of preference, at least one; checked before.</param>
    /// <returns>
    /// Ends when one of them is in force, which may take until its nodes have joined. Faults with a <see cref="ClusterException"/> when workers
    /// refuse every one; is cancelled when other plans replace them, or the driver stops.
    /// </returns>
    public Task Propose(IReadOnlyList<Plan> plans)
    {
        ArgumentNullException.ThrowIfNull(plans);
        ArgumentOutOfRangeException.ThrowIfZero(plans.Count, nameof(plans));
        var proposal = new Proposal(plans);
        if (!_events.Writer.TryWrite(new DriverEvent(null, Proposal: proposal)))
        {
            proposal.Outcome.TrySetCanceled();
        }

        return proposal.Outcome.Task;
    }

    /// <summary>Counts of the links to the workers of the plan in force.</summary>
    public IReadOnlyList<LinkStatistics> LinkStatistics() => [.. _peers.Select(p => p.Statistics)];

    /// <inheritdoc/>
    ValueTask IPeerHandler.OnActivationsAsync(PeerConnection from, FrameHeader header, ReadOnlyMemory<byte> payload)
    {
        ArgumentNullException.ThrowIfNull(from);
        if (IsStageOf(from, header.Epoch, header.Stage - 1))
        {
            Path.AcceptRows(header, payload.Span);
        }

        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    ValueTask IPeerHandler.OnBulkAsync(PeerConnection from, FrameHeader header, ReadOnlyMemory<byte> payload) => Path.AcceptKvAsync(from, header, payload);

    /// <inheritdoc/>
    ValueTask IPeerHandler.OnControlAsync(PeerConnection from, ControlMessage message)
    {
        ArgumentNullException.ThrowIfNull(from);
        switch (message)
        {
            case NodeHello hello:
                Welcome(from, hello);
                break;
            case SequenceReserved answer when IsStageOf(from, answer.Epoch, answer.Stage):
                Path.AcceptReservation(answer);
                break;
            case StepFailed failure when IsStageOf(from, failure.Epoch, failure.Stage):
                Path.AcceptFailure(failure, from.Peer.Node.Value);
                break;
            case KvArrived arrived when IsStageOf(from, arrived.Epoch, arrived.Stage):
                Path.AcceptKv(arrived);
                break;
            case KvFailed failed when IsStageOf(from, failed.Epoch, failed.Stage):
                Path.AcceptKv(failed, from.Peer.Node);
                break;
            case SequenceReserved or StepFailed or KvArrived or KvFailed:
                // Of a plan that was retired while the message was on its way.
                break;
            case StageReady or StageRefused or StageReport:
                _questions.Accept(from, (StageMessage)message);
                break;
            case NodeReport report:
                Probe.Accept(from, report);
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
        await _door.DisposeAsync().ConfigureAwait(false);
        await Path.DisposeAsync().ConfigureAwait(false);
        await Task.WhenAll(_workers.Values.Select(worker => worker.Connection).Concat(_door.Newcomers).Select(peer => peer.DisposeAsync().AsTask())).ConfigureAwait(false);
        _stop.Dispose();
        _inForce.TrySetCanceled();
        _proposal?.Outcome.TrySetCanceled();
        _events.Writer.TryComplete();
        while (_events.Reader.TryRead(out DriverEvent? left))
        {
            left.Proposal?.Outcome.TrySetCanceled();
        }
    }

    private async Task LeaveAsync(PeerConnection connection, ClusterException cause)
    {
        // Before the loop sees it, which may be busy preparing another plan: a step on its way must not wait for that.
        await Path.BreakAsync(connection, LossOf(connection, cause)).ConfigureAwait(false);
        await connection.DisposeAsync().ConfigureAwait(false);
        _events.Writer.TryWrite(new DriverEvent(connection, Cause: cause));
    }

    private void Welcome(PeerConnection from, NodeHello hello)
    {
        _door.Admit(from, hello);
        _events.Writer.TryWrite(new DriverEvent(from, hello));
    }

    /// <summary>Whether a node speaks for a stage of a plan in force or in preparation; false when the plan is neither any more.</summary>
    /// <exception cref="ClusterException"><see cref="ClusterFault.NotAllowed"/>: the plan gives that stage to another node, or there was never such a plan.</exception>
    private bool IsStageOf(PeerConnection from, ulong epoch, int stage)
    {
        EpochPlan? plan = _known.FirstOrDefault(known => known.Epoch.Value == epoch);
        bool isLate = plan is null && epoch <= Volatile.Read(ref _lastEpoch);
        return isLate || plan?.Gives(stage, from.Peer.Node) == true
            ? !isLate
            : throw new ClusterException(ClusterFault.NotAllowed, $"{from.Peer.Node} answered for stage {stage} of plan {epoch}, which isn't its own.");
    }

    private async Task DriveAsync()
    {
        try
        {
            while (true)
            {
                if (_active is not null && !Path.IsInForce)
                {
                    await RetireAsync(_active).ConfigureAwait(false);
                    SetActive(null);
                }

                int? best = Best();
                if (best is { } rank && (_active is null || _active.Rank == EpochPlan.Withdrawn || !await IsAnyEventAsync(_options.SettleTime).ConfigureAwait(false)))
                {
                    await TryPutInForceAsync(rank).ConfigureAwait(false);
                }
                else
                {
                    await HandleAsync(await _events.Reader.ReadAsync(_stop.Token).ConfigureAwait(false)).ConfigureAwait(false);
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

    /// <summary>The best plan that is possible now and better than the one in force; null when there is none.</summary>
    private int? Best()
    {
        int limit = Math.Min(_plans.Count, _active?.Rank ?? int.MaxValue);
        for (int rank = 0; rank < limit; rank++)
        {
            if (!_refused.Contains(rank) && _plans[rank].Segments.All(segment => segment.Node == _options.Self || _workers.ContainsKey(segment.Node)))
            {
                return rank;
            }
        }

        return null;
    }

    private async Task<bool> IsAnyEventAsync(TimeSpan patience)
    {
        try
        {
            return await _events.Reader.WaitToReadAsync(_stop.Token).AsTask().WaitAsync(patience, _time, _stop.Token).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            return false;
        }
    }

    private async Task HandleAsync(DriverEvent change)
    {
        if (change.Proposal is { } proposal)
        {
            _log.LogInformation("New plans: {Count}.", proposal.Plans.Count);
            _proposal?.Outcome.TrySetCanceled();
            _proposal = proposal;
            Adopt(proposal.Plans);
            if (_active is { Rank: not EpochPlan.Withdrawn })
            {
                proposal.Outcome.TrySetResult();
            }
        }
        else if (change.Hello is { } hello)
        {
            await TakeInAsync(change.Connection!, hello).ConfigureAwait(false);
        }
        else
        {
            await LetGoAsync(change.Connection!, change.Cause!).ConfigureAwait(false);
        }
    }

    /// <summary>Takes plans over; what is in force stays so, with its rank among them.</summary>
    private void Adopt(IReadOnlyList<Plan> plans)
    {
        _plans = plans;
        _refused.Clear();
        _expected = plans.SelectMany(plan => plan.Segments).Select(segment => segment.Node).Where(node => node != _options.Self).ToHashSet();
        if (_active is { } active)
        {
            int rank = plans.ToList().FindIndex(plan => plan.Segments.SequenceEqual(active.Plan.Segments));
            SetActive(active with { Rank = rank < 0 ? EpochPlan.Withdrawn : rank });
        }
    }

    private async Task TakeInAsync(PeerConnection connection, NodeHello hello)
    {
        NodeId node = connection.Peer.Node;
        if (_workers.Remove(node, out JoinedWorker? old))
        {
            await Path.BreakAsync(old.Connection, $"{node} joined anew.").ConfigureAwait(false);
            await old.Connection.DisposeAsync().ConfigureAwait(false);
        }

        _workers[node] = new JoinedWorker(connection, hello);
        _refused.Clear();
        Publish();
        _log.LogInformation("{Node} joined with model {Model}.", node, PeerText.Clean(hello.ModelName));
    }

    private async Task LetGoAsync(PeerConnection connection, ClusterException cause)
    {
        if (_workers.TryGetValue(connection.Peer.Node, out JoinedWorker? worker) && worker.Connection == connection)
        {
            _workers.Remove(connection.Peer.Node);
            Publish();
            _log.LogWarning("Lost {Node}: {Reason}", connection.Peer.Node, cause.Message);

            // A plan that came into force in the very moment may rest on it.
            await Path.BreakAsync(connection, LossOf(connection, cause)).ConfigureAwait(false);
        }
    }

    private static string LossOf(PeerConnection connection, ClusterException cause) => $"Worker {connection.Peer.Node} is lost: {cause.Message}";

    private async Task TryPutInForceAsync(int rank)
    {
        SignedPlan signed;
        try
        {
            signed = await _options.Publisher.PublishAsync(_plans[rank], _plans[rank].Epoch, _options.ModelFingerprint, _stop.Token).ConfigureAwait(false);
        }
        catch (ClusterException e) when (e.Fault == ClusterFault.PlanStoreUnavailable)
        {
            // What serves goes on. Anything that happens meanwhile may change which plan is to be tried next.
            _log.LogError("A plan can't be kept, and is tried again: {Reason}", e.Message);
            await IsAnyEventAsync(StoreRetry).ConfigureAwait(false);
            return;
        }

        await PutInForceAsync(new EpochPlan(signed.Plan.Epoch, _plans[rank], rank), signed).ConfigureAwait(false);
    }

    private async Task PutInForceAsync(EpochPlan next, SignedPlan signed)
    {
        EpochPlan? before = _active;

        // Known first: an answer must not come to an epoch that is counted but not known.
        _known = before is null ? [next] : [before, next];
        Volatile.Write(ref _lastEpoch, next.Epoch.Value);
        try
        {
            var (route, statuses) = await new PlanPreparation(_options, next, signed, before, _workers, _questions).RunAsync(_stop.Token).ConfigureAwait(false);
            SwitchReport report = await Path.SwitchAsync(route, node => _workers[node].Address).ConfigureAwait(false);
            _peers = [.. route.Stages.Select(stage => stage.Remote).OfType<PeerConnection>().Distinct()];
            SetActive(next);
            _log.LogInformation("Plan {Epoch} is in force over {Nodes} node(s).", next.Epoch, _peers.Count + 1);
            Tell(report);
            _inForce.TrySetResult(statuses);
            _proposal?.Outcome.TrySetResult();
            if (before is not null)
            {
                await RetireAsync(before).ConfigureAwait(false);
            }
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            _log.LogError("Plan {Epoch} can't be put in force: {Reason}", next.Epoch, e.Message);
            await RetireAsync(next).ConfigureAwait(false);
            SetActive(before);
            _refused.Add(next.Rank);
            if (before is null)
            {
                await Path.BreakAsync($"The plan can't be put in force: {e.Message}").ConfigureAwait(false);
            }

            if (e is not ClusterException { Fault: ClusterFault.NodeLost } && _refused.Count == _plans.Count)
            {
                _inForce.TrySetException(e);
                _proposal?.Outcome.TrySetException(e);
            }
        }
    }

    private void Tell(SwitchReport report)
    {
        LastSwitch = report;
        if (report.IsKept)
        {
            _log.LogInformation("{Count} running answer(s) went over with their KV cache; no step ran for {Pause:0.0} ms.", report.Sequences, report.Pause.TotalMilliseconds);
        }
        else if (report.Sequences > 0)
        {
            _log.LogWarning("{Count} running answer(s) are run again from their tokens: {Reason}", report.Sequences, report.Loss);
        }
    }

    private void SetActive(EpochPlan? plan)
    {
        Volatile.Write(ref _active, plan);
        _known = plan is null ? [] : [plan];
        Publish();
    }

    private void Publish()
    {
        _joined = [.. _workers.Values];
        Interlocked.Exchange(ref _changed, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();
    }

    /// <summary>Tells the workers that are still here to give a plan's stages up.</summary>
    private async Task RetireAsync(EpochPlan plan)
    {
        for (int i = 0; i < plan.Plan.Segments.Count; i++)
        {
            if (_workers.TryGetValue(plan.Plan.Segments[i].Node, out JoinedWorker? worker))
            {
                try
                {
                    await worker.Connection.SendAsync(new RetireStage { Epoch = plan.Epoch.Value, Stage = (ushort)i }, _stop.Token).ConfigureAwait(false);
                }
                catch (Exception e) when (e is LinkException or ObjectDisposedException)
                {
                    // The worker is gone, and its stages with it.
                }
            }
        }
    }
}
