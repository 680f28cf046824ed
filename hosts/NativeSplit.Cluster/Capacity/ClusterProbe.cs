using System.Collections.Concurrent;
using NativeSplit.Cluster.Identity;
using NativeSplit.Cluster.Links;
using NativeSplit.Cluster.Messages;
using NativeSplit.Cluster.Routes;
using NativeSplit.Cluster.Stages;
using NativeSplit.Placement;
using NativeSplit.Placement.Problems;
using NativeSplit.Transport.Links;

namespace NativeSplit.Cluster.Capacity;

/// <summary>What one stage of a plan did between two readings.</summary>
/// <param name="Epoch">Epoch of the plan.</param>
/// <param name="Segment">Its layers and node.</param>
/// <param name="Sums">Sums since it was made.</param>
public sealed record StageReading(PlanEpoch Epoch, PlanSegment Segment, StageSums Sums);

/// <summary>What a worker reports of itself and of the ways from it.</summary>
/// <param name="Profile">What it can do.</param>
/// <param name="Links">The ways from it to nodes that the cluster knows.</param>
public sealed record NodeReading(CapacityProfile Profile, IReadOnlyList<LinkFacts> Links);

/// <summary>Asks workers what they, their stages and their links can do. Safe for several callers.</summary>
public sealed class ClusterProbe
{
    private readonly PlanDriverOptions _options;
    private readonly StageQuestions _questions;
    private readonly ClusterPath _path;
    private readonly Func<EpochPlan?> _active;
    private readonly Func<IReadOnlyList<JoinedWorker>> _joined;
    private readonly TimeProvider _time;
    private readonly ConcurrentDictionary<(PeerConnection Peer, ulong Number), TaskCompletionSource<NodeReport>> _open = new();
    private ulong _lastNumber;

    internal ClusterProbe(PlanDriverOptions options, StageQuestions questions, ClusterPath path, Func<EpochPlan?> active, Func<IReadOnlyList<JoinedWorker>> joined, TimeProvider time)
    {
        _options = options;
        _questions = questions;
        _path = path;
        _active = active;
        _joined = joined;
        _time = time;
    }

    /// <summary>Asks every remote stage of the plan in force how it has done.</summary>
    /// <exception cref="ClusterException"><see cref="ClusterFault.NodeLost"/>: a worker didn't answer.</exception>
    public async Task<IReadOnlyList<StageReport>> QueryStagesAsync(CancellationToken cancellationToken)
    {
        List<StageReport> reports = [];
        EpochPlan? active = _active();
        for (int i = 0; i < active?.Plan.Segments.Count; i++)
        {
            if (LinkTo(active.Plan.Segments[i].Node) is { } peer)
            {
                var query = new QueryStage { Epoch = active.Epoch.Value, Stage = (ushort)i };
                reports.Add((StageReport)await _questions.AskAsync(peer, query, _options.Route.StepTimeout, cancellationToken).ConfigureAwait(false));
            }
        }

        return reports;
    }

    /// <summary>Sums of every stage of the plan in force, here and on workers.</summary>
    /// <exception cref="ClusterException"><see cref="ClusterFault.NodeLost"/>: a worker didn't answer.</exception>
    public async Task<IReadOnlyList<StageReading>> ReadStagesAsync(CancellationToken cancellationToken)
    {
        if (_active() is not { } active)
        {
            return [];
        }

        IReadOnlyList<StageReport> reports = await QueryStagesAsync(cancellationToken).ConfigureAwait(false);
        return
        [
            .. _path.LocalSums(active.Epoch).Select(local => new StageReading(active.Epoch, active.Plan.Segments[local.Stage], local.Sums)),
            .. reports.Where(report => report.Epoch == active.Epoch.Value && report.Stage < active.Plan.Segments.Count).Select(report => new StageReading(active.Epoch, active.Plan.Segments[report.Stage], SumsOf(report))),
        ];
    }

    /// <summary>Asks a worker what it can do, and has it measure its ways to the gateway and to other workers.</summary>
    /// <param name="node">The worker.</param>
    /// <param name="measureLayers">Whether it measures its executor anew.</param>
    /// <param name="peers">Workers to measure the way to; others than joined ones are left out.</param>
    /// <param name="patience">Time for the answer.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="ClusterException"><see cref="ClusterFault.NodeLost"/>: it isn't there, or didn't answer; <see cref="ClusterFault.Protocol"/>: its figures are absurd.</exception>
    public async Task<NodeReading> ReadNodeAsync(NodeId node, bool measureLayers, IReadOnlyList<NodeId> peers, TimeSpan patience, CancellationToken cancellationToken)
    {
        PeerConnection peer = LinkTo(node) ?? throw Gone(node);
        var query = new QueryNode { Number = Interlocked.Increment(ref _lastNumber), MeasureLayers = measureLayers, Peers = [.. _joined().Where(worker => worker.Connection.Peer.Node != node && peers.Contains(worker.Connection.Peer.Node)).Select(worker => worker.Address)] };
        NodeReport report = await AskAsync(peer, query, patience, cancellationToken).ConfigureAwait(false);
        report.Profile.Judge();
        List<LinkFacts> links = [];
        foreach (LinkQuality link in report.Links.Take(NodeReport.MaxLinks))
        {
            if (NodeIdentity.TryParse(link.Peer, out NodeIdentity target)
                && (target.Node == _options.Self || query.Peers.Any(asked => asked.Identity == link.Peer))
                && link.LatencyMicroseconds is >= 0 and <= ProblemRules.MaxTime
                && link.BytesPerSecond is >= 1 and <= ProblemRules.MaxBytes)
            {
                links.Add(new LinkFacts(node, target.Node, link.LatencyMicroseconds, link.BytesPerSecond));
            }
        }

        return new NodeReading(report.Profile, links);
    }

    /// <summary>Measures the way from here to a worker.</summary>
    /// <exception cref="ClusterException"><see cref="ClusterFault.NodeLost"/>: it isn't there, or didn't answer.</exception>
    public async Task<LinkFacts> MeasureLinkAsync(NodeId node, TimeSpan patience, CancellationToken cancellationToken)
    {
        LinkQuality quality = await LinkProbe.MeasureAsync(LinkTo(node) ?? throw Gone(node), patience, _time, cancellationToken).ConfigureAwait(false);
        return new LinkFacts(_options.Self, node, quality.LatencyMicroseconds, quality.BytesPerSecond);
    }

    /// <summary>Takes a worker's answer; one that nobody waits for any more is dropped.</summary>
    internal void Accept(PeerConnection from, NodeReport report)
    {
        if (_open.TryGetValue((from, report.Number), out TaskCompletionSource<NodeReport>? waiting))
        {
            waiting.TrySetResult(report);
        }
    }

    private async Task<NodeReport> AskAsync(PeerConnection peer, QueryNode query, TimeSpan patience, CancellationToken cancellationToken)
    {
        var answer = new TaskCompletionSource<NodeReport>(TaskCreationOptions.RunContinuationsAsynchronously);
        _open[(peer, query.Number)] = answer;
        try
        {
            await peer.SendAsync(query, cancellationToken).ConfigureAwait(false);
            await Task.WhenAny(answer.Task, peer.Ended).WaitAsync(patience, _time, cancellationToken).ConfigureAwait(false);
            return answer.Task.IsCompleted ? await answer.Task.ConfigureAwait(false) : throw Gone(peer.Peer.Node);
        }
        catch (TimeoutException e)
        {
            throw new ClusterException(ClusterFault.NodeLost, $"{peer.Peer.Node} didn't say within {patience.TotalSeconds:0.#} s what it can do.", e);
        }
        catch (Exception e) when (e is LinkException or ObjectDisposedException)
        {
            throw new ClusterException(ClusterFault.NodeLost, $"{peer.Peer.Node} can't be asked: {e.Message}", e);
        }
        finally
        {
            _open.TryRemove((peer, query.Number), out _);
        }
    }

    private PeerConnection? LinkTo(NodeId node) => _joined().FirstOrDefault(worker => worker.Connection.Peer.Node == node)?.Connection;

    private static ClusterException Gone(NodeId node) => new(ClusterFault.NodeLost, $"{node} has left.");

    private static StageSums SumsOf(StageReport report) => new(report.Batches, report.Rows, report.ComputeMicroseconds, report.DecodeBatches, report.DecodeRows, report.DecodeMicroseconds);
}
