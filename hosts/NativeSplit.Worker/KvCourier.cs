using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using NativeSplit.Cluster;
using NativeSplit.Cluster.Links;
using NativeSplit.Cluster.Messages;
using NativeSplit.Cluster.Migration;
using NativeSplit.Engine;
using NativeSplit.Kernels;
using NativeSplit.Model;
using NativeSplit.Transport.Links;

namespace NativeSplit.Worker;

/// <summary>Sends KV pages where the gateway says, one order after the other, while the stages work on.</summary>
internal sealed class KvCourier : IAsyncDisposable
{
    private readonly Func<ulong, ushort, AssignedStage?> _stageOf;
    private readonly WorkerOptions _options;
    private readonly ILogger _log;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _stop = new();
    private readonly Channel<(PeerConnection Gateway, MoveKv Order)> _orders = Channel.CreateUnbounded<(PeerConnection, MoveKv)>(new UnboundedChannelOptions { SingleReader = true });
    private readonly Task _loop;
    private NextHop? _target;
    private NextHopLink? _link;

    /// <summary>Starts to obey.</summary>
    /// <param name="stageOf">The stage of an epoch and index, if it is here.</param>
    /// <param name="options">Who we are.</param>
    /// <param name="log">Takes what went wrong.</param>
    /// <param name="time">Clock.</param>
    public KvCourier(Func<ulong, ushort, AssignedStage?> stageOf, WorkerOptions options, ILogger log, TimeProvider time)
    {
        (_stageOf, _options, _log, _time) = (stageOf, options, log, time);
        _loop = Task.Run(ObeyAsync);
    }

    /// <summary>Leaves an order.</summary>
    public void Post(PeerConnection gateway, MoveKv order) => _orders.Writer.TryWrite((gateway, order));

    public async ValueTask DisposeAsync()
    {
        _orders.Writer.TryComplete();
        await _stop.CancelAsync().ConfigureAwait(false);
        await _loop.ConfigureAwait(false);
        await DropLinkAsync().ConfigureAwait(false);
        _stop.Dispose();
    }

    private async Task ObeyAsync()
    {
        await foreach ((PeerConnection gateway, MoveKv order) in _orders.Reader.ReadAllAsync(CancellationToken.None).ConfigureAwait(false))
        {
            if (_stop.IsCancellationRequested || gateway.Ended.IsCompleted)
            {
                continue;
            }

            try
            {
                await MoveAsync(gateway, order).ConfigureAwait(false);
            }
            catch (Exception e)
            {
                // Everything: the gateway waits for the pages, or for the word that none will come.
                await DropLinkAsync().ConfigureAwait(false);
                await TellAsync(gateway, order, e).ConfigureAwait(false);
            }
        }
    }

    private async Task MoveAsync(PeerConnection gateway, MoveKv order)
    {
        AssignedStage stage = _stageOf(order.Epoch, order.Stage) ?? throw Refused($"stage {order.Stage} of plan {order.Epoch} isn't here");
        if (order.LayerStart < 0 || order.LayerEnd <= order.LayerStart || order.FromPage < 0 || order.Length < 1)
        {
            throw Refused("the order has a range that can't be");
        }

        KeyValueType? type = null;
        await stage.Runner.InvokeAsync(executor => type = executor.KvPages?.Type).ConfigureAwait(false);
        var target = new KvTarget(order.ToEpoch, order.ToStage, new SequenceId(order.Sequence), type ?? throw new ClusterException(ClusterFault.Unsupported, "The backend of this worker can't give out KV pages."));
        var move = new KvMove(target, new LayerRange(order.LayerStart, order.LayerEnd), order.FromPage, order.Length);
        if (order.Target is null)
        {
            await KvExporter.MoveAsync(move, stage.Runner.InvokeAsync, new LinkKvSink(gateway), _stop.Token).ConfigureAwait(false);
        }
        else if (order.Target.Identity == _options.Identity.Self.Uri)
        {
            KvInbox here = _stageOf(order.ToEpoch, order.ToStage)?.Inbox ?? throw Refused($"stage {order.ToStage} of plan {order.ToEpoch} isn't here");
            await KvExporter.MoveAsync(move, stage.Runner.InvokeAsync, here, _stop.Token).ConfigureAwait(false);
        }
        else
        {
            PeerConnection link = await ConnectAsync(order.Target).ConfigureAwait(false);

            // While pages are on their way, a peer that stops must be noticed as soon as one that owes rows.
            link.ExpectRows(true);
            try
            {
                await KvExporter.MoveAsync(move, stage.Runner.InvokeAsync, new LinkKvSink(link), _stop.Token).ConfigureAwait(false);
            }
            finally
            {
                link.ExpectRows(false);
            }
        }
    }

    private async Task<PeerConnection> ConnectAsync(NextHop target)
    {
        if (_target != target)
        {
            await DropLinkAsync().ConfigureAwait(false);
            (_target, _link) = (target, new NextHopLink(target, _options, _time));
        }

        return await _link!.ConnectAsync(_stop.Token).ConfigureAwait(false);
    }

    private async Task DropLinkAsync()
    {
        if (_link is { } link)
        {
            (_target, _link) = (null, null);
            await link.DisposeAsync().ConfigureAwait(false);
        }
    }

    private async Task TellAsync(PeerConnection gateway, MoveKv order, Exception cause)
    {
        try
        {
            _log.LogWarning("KV pages of layers [{Start}, {End}) can't be sent: {Reason}", order.LayerStart, order.LayerEnd, cause.Message);
            var failed = new KvFailed
            {
                Epoch = order.Epoch,
                Stage = order.Stage,
                Sequence = order.Sequence,
                LayerStart = order.LayerStart,
                IsUnsupported = cause is ClusterException { Fault: ClusterFault.Unsupported },
                Reason = cause.Message,
            };
            await gateway.SendAsync(failed, _stop.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is LinkException or ObjectDisposedException or OperationCanceledException)
        {
            // The gateway is gone, and nobody waits.
        }
    }

    private static ClusterException Refused(string reason) => new(ClusterFault.StageRefused, reason + ".");
}
