using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using NativeSplit.Cluster;
using NativeSplit.Cluster.Capacity;
using NativeSplit.Cluster.Links;
using NativeSplit.Cluster.Messages;
using NativeSplit.Transport.Links;

namespace NativeSplit.Worker;

/// <summary>Answers the gateway's questions about this node, one at a time, beside whatever the stages do.</summary>
internal sealed class NodeSurvey : IAsyncDisposable
{
    /// <summary>Questions that may wait; one more is dropped, and its asker runs out of patience.</summary>
    private const int MostWaiting = 4;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly WorkerOptions _options;
    private readonly Func<long> _heldBytes;
    private readonly ILogger _log;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _stop = new();
    private readonly Channel<(PeerConnection Gateway, QueryNode Query)> _queue = Channel.CreateBounded<(PeerConnection, QueryNode)>(new BoundedChannelOptions(MostWaiting) { SingleReader = true, FullMode = BoundedChannelFullMode.DropWrite });
    private readonly Task _loop;
    private CapacityProfile? _profile;

    /// <summary>Starts to answer.</summary>
    /// <param name="options">Who we are, and what makes executors.</param>
    /// <param name="heldBytes">Bytes of weights that the stages hold now.</param>
    /// <param name="log">Takes what went wrong.</param>
    /// <param name="time">Clock.</param>
    public NodeSurvey(WorkerOptions options, Func<long> heldBytes, ILogger log, TimeProvider time)
    {
        (_options, _heldBytes, _log, _time) = (options, heldBytes, log, time);
        _loop = Task.Run(AnswerAsync);
    }

    /// <summary>What this node can do; measured the first time.</summary>
    public CapacityProfile Profile => _profile ??= Measure();

    /// <summary>Leaves a question.</summary>
    public void Post(PeerConnection gateway, QueryNode query) => _queue.Writer.TryWrite((gateway, query));

    public async ValueTask DisposeAsync()
    {
        _queue.Writer.TryComplete();
        await _stop.CancelAsync().ConfigureAwait(false);
        await _loop.ConfigureAwait(false);
        _stop.Dispose();
    }

    private async Task AnswerAsync()
    {
        await foreach ((PeerConnection gateway, QueryNode query) in _queue.Reader.ReadAllAsync(CancellationToken.None).ConfigureAwait(false))
        {
            if (_stop.IsCancellationRequested || gateway.Ended.IsCompleted)
            {
                continue;
            }

            try
            {
                _profile = query.MeasureLayers ? Measure() : Profile with { MemoryBytes = Memory() };
                var report = new NodeReport { Number = query.Number, Profile = _profile, Links = await MeasureLinksAsync(gateway, query.Peers).ConfigureAwait(false) };
                await gateway.SendAsync(report, _stop.Token).ConfigureAwait(false);
            }
            catch (Exception e)
            {
                // Everything: the next question must be answered all the same, and this one's asker runs out of patience.
                _log.LogWarning("The gateway's question what this node can do stays unanswered: {Reason}", e.Message);
            }
        }
    }

    private CapacityProfile Measure() => LayerProbe.Measure(_options.Executors, _options.Model.Shape, Memory());

    private long Memory() => Math.Min(_options.MemoryBytes, MachineMemory.AvailableBytes() + _heldBytes());

    private async Task<IReadOnlyList<LinkQuality>> MeasureLinksAsync(PeerConnection gateway, IReadOnlyList<NextHop> peers)
    {
        List<LinkQuality> links = [];
        links.Add(await LinkProbe.MeasureAsync(gateway, Patience, _time, _stop.Token).ConfigureAwait(false));
        foreach (NextHop peer in peers.Take(NodeReport.MaxLinks - 1))
        {
            try
            {
                await using var hop = new NextHopLink(peer, _options, _time);
                using var late = new CancellationTokenSource(Patience, _time);
                using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, _stop.Token);
                PeerConnection link = await hop.ConnectAsync(either.Token).ConfigureAwait(false);
                links.Add(await LinkProbe.MeasureAsync(link, Patience, _time, _stop.Token).ConfigureAwait(false));
            }
            catch (Exception e) when (!_stop.IsCancellationRequested && e is ClusterException or LinkException or OperationCanceledException)
            {
                // No way there: the report says so by leaving it out.
                _log.LogDebug("{Peer} can't be reached from here: {Reason}", peer.Host, e.Message);
            }
        }

        return links;
    }
}
