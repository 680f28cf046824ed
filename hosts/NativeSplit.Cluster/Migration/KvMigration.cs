using System.Collections.Concurrent;
using NativeSplit.Cluster.Links;
using NativeSplit.Cluster.Messages;
using NativeSplit.Cluster.Routes;
using NativeSplit.Engine;
using NativeSplit.Engine.Caching;
using NativeSplit.Engine.Execution;
using NativeSplit.Kernels;
using NativeSplit.Model;
using NativeSplit.Placement;
using NativeSplit.Transport.Frames;
using NativeSplit.Transport.Links;

namespace NativeSplit.Cluster.Migration;

/// <summary>Brings the KV cache of running sequences from the route in force to one that is being prepared. The gateway's side; one for each change of plan.</summary>
/// <remarks>
/// Pages are only ever appended to, so what was copied while steps went on stays good: at the change only the last, partly filled page
/// and those after it are copied again. Every layer moves from its stage to its stage, also where both are on one node.
/// </remarks>
internal sealed class KvMigration : IDisposable
{
    private readonly Route _from;
    private readonly Route _to;
    private readonly Func<NodeId, NextHop> _addressOf;
    private readonly ExecutorTurn[] _sources;
    private readonly KvInbox?[] _inboxes;
    private readonly List<Leg> _legs = [];
    private readonly ConcurrentDictionary<(ulong Sequence, int LayerStart), Arrival> _awaited = new();
    private readonly Dictionary<SequenceId, int> _copied = [];
    private readonly CancellationTokenSource _abort = new();
    private readonly Lock _gate = new();
    private volatile Exception? _cause;
    private bool _isDisposed;
    private long _bytes;

    /// <summary>Plans the moves.</summary>
    /// <param name="from">Route in force.</param>
    /// <param name="to">Route that is being prepared.</param>
    /// <param name="turnOf">Turns with an executor of the route in force that runs here.</param>
    /// <param name="addressOf">Where workers reach a worker.</param>
    public KvMigration(Route from, Route to, Func<ILayerExecutor, ExecutorTurn> turnOf, Func<NodeId, NextHop> addressOf)
    {
        (_from, _to, _addressOf) = (from, to, addressOf);
        _sources = [.. from.Stages.Select(stage => stage.Local is { } executor ? turnOf(executor) : static _ => Task.CompletedTask)];
        _inboxes = [.. to.Stages.Select(stage => stage.Local is { } executor ? new KvInbox(stage.Layers, ExclusiveTurns(executor), ArrivedHereAsync) : null)];
        for (int t = 0; t < to.Stages.Count; t++)
        {
            for (int f = 0; f < from.Stages.Count; f++)
            {
                (int start, int end) = (Math.Max(from.Stages[f].Layers.Start, to.Stages[t].Layers.Start), Math.Min(from.Stages[f].Layers.End, to.Stages[t].Layers.End));
                if (start < end)
                {
                    _legs.Add(new Leg(f, t, new LayerRange(start, end)));
                }
            }
        }
    }

    /// <summary>The route it copies from.</summary>
    public Route From => _from;

    /// <summary>The route it copies to.</summary>
    public Route To => _to;

    /// <summary>The epoch it copies for.</summary>
    public PlanEpoch Epoch => _to.Epoch;

    /// <summary>Sequences with room on the new route.</summary>
    public HashSet<SequenceId> Reserved { get; } = [];

    /// <summary>Positions of that room.</summary>
    public Dictionary<SequenceId, int> ReservedTokens { get; } = [];

    /// <summary>Why it was given up; null while it goes on.</summary>
    public Exception? Cause => _cause;

    /// <summary>Bytes of pages that the gateway sent or took.</summary>
    public long Bytes => Interlocked.Read(ref _bytes);

    /// <summary>Copies what isn't there yet of a sequence. One call per sequence at a time.</summary>
    /// <param name="sequence">The sequence; it has room on both routes.</param>
    /// <param name="length">Positions cached on the route in force.</param>
    /// <param name="patience">Time for it.</param>
    /// <param name="time">Clock.</param>
    /// <exception cref="ClusterException">It can't be copied.</exception>
    public async Task CopyAsync(SequenceId sequence, int length, TimeSpan patience, TimeProvider time)
    {
        int fromPage = _copied.GetValueOrDefault(sequence) / PagedKvCache.PagePositions;
        using var late = new CancellationTokenSource(patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, _abort.Token);
        try
        {
            foreach (Leg leg in _legs)
            {
                await MoveAsync(leg, sequence, fromPage, length, either.Token).ConfigureAwait(false);
            }

            _copied[sequence] = length;
        }
        catch (Exception e) when (e is OperationCanceledException or LinkException or ObjectDisposedException)
        {
            if (_cause is ClusterException cause)
            {
                throw new ClusterException(cause.Fault, cause.Message, e);
            }

            // A loss ends by itself, when the node joins anew; being late doesn't, so whoever proposed the plan must be told.
            throw late.IsCancellationRequested && _cause is null
                ? new ClusterException(ClusterFault.StageRefused, $"the KV pages of a sequence took longer than {patience.TotalSeconds:0.#} s to bring over. Give more with --step-timeout, or change the plan when less is running.", e)
                : new ClusterException(ClusterFault.NodeLost, $"KV pages can't be brought over: {_cause?.Message ?? e.Message}", e);
        }
    }

    /// <summary>Ends whatever copies: the route it copies from is broken, or a node said that it can't.</summary>
    public void Abort(Exception cause)
    {
        _cause ??= cause;
        lock (_gate)
        {
            if (!_isDisposed)
            {
                _abort.Cancel();
            }
        }
    }

    /// <summary>Pages came for a stage that will run here.</summary>
    /// <exception cref="ClusterException">They have no place here, or came from a node that doesn't have them.</exception>
    public async ValueTask AcceptAsync(PeerConnection source, FrameHeader header, ReadOnlyMemory<byte> payload)
    {
        KvInbox inbox = header.Stage < _inboxes.Length && _inboxes[header.Stage] is { } here ? here : throw NotAllowed(source);
        if (!_legs.Any(leg => leg.To == header.Stage && _from.Stages[leg.From].Remote == source))
        {
            throw NotAllowed(source);
        }

        await inbox.AcceptAsync(header, payload).ConfigureAwait(false);
        Interlocked.Add(ref _bytes, payload.Length);
    }

    /// <summary>A worker has some layers of a sequence whole.</summary>
    public void Accept(KvArrived arrived) => Arrive(arrived.Sequence, arrived.LayerStart, arrived.Length);

    /// <summary>A worker couldn't send some.</summary>
    public void Accept(KvFailed failed, NodeId node)
    {
        string reason = $"{node} can't move KV pages: {PeerText.Clean(failed.Reason)}";
        if (failed.IsUnsupported)
        {
            Abort(new ClusterException(ClusterFault.Unsupported, reason));
        }
        else if (_awaited.TryGetValue((failed.Sequence, failed.LayerStart), out Arrival? arrival))
        {
            arrival.Done.TrySetException(new ClusterException(ClusterFault.StageRefused, reason));
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            _isDisposed = true;
            _abort.Dispose();
        }
    }

    private async Task MoveAsync(Leg leg, SequenceId sequence, int fromPage, int length, CancellationToken cancellationToken)
    {
        var key = (sequence.Value, leg.Layers.Start);
        var arrival = new Arrival(length);
        _awaited[key] = arrival;
        try
        {
            RouteStage source = _from.Stages[leg.From];
            if (source.Remote is { } worker)
            {
                await worker.SendAsync(Order(leg, sequence, fromPage, length), cancellationToken).ConfigureAwait(false);
            }
            else
            {
                await SendFromHereAsync(leg, source.Local!, sequence, fromPage, length, cancellationToken).ConfigureAwait(false);
            }

            await arrival.Done.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _awaited.TryRemove(key, out _);
        }
    }

    private MoveKv Order(Leg leg, SequenceId sequence, int fromPage, int length) => new()
    {
        Epoch = _from.Epoch.Value,
        Stage = (ushort)leg.From,
        ToEpoch = _to.Epoch.Value,
        ToStage = (ushort)leg.To,
        LayerStart = leg.Layers.Start,
        LayerEnd = leg.Layers.End,
        Sequence = sequence.Value,
        FromPage = fromPage,
        Length = length,
        Target = _to.Stages[leg.To].Remote is null ? null : _addressOf(_to.Stages[leg.To].Node),
    };

    private async Task SendFromHereAsync(Leg leg, ILayerExecutor executor, SequenceId sequence, int fromPage, int length, CancellationToken cancellationToken)
    {
        KeyValueType type = executor.KvPages?.Type ?? throw new ClusterException(ClusterFault.Unsupported, $"{executor.Backend} can't give out KV pages.");
        var move = new KvMove(new KvTarget(_to.Epoch.Value, (ushort)leg.To, sequence, type), leg.Layers, fromPage, length);
        IKvSink sink = _inboxes[leg.To] is { } here ? here : new LinkKvSink(_to.Stages[leg.To].Remote!);
        Interlocked.Add(ref _bytes, await KvExporter.MoveAsync(move, _sources[leg.From], sink, cancellationToken).ConfigureAwait(false));
    }

    private ValueTask ArrivedHereAsync(KvTarget target, LayerRange layers, int length)
    {
        Arrive(target.Sequence.Value, layers.Start, length);
        return ValueTask.CompletedTask;
    }

    private void Arrive(ulong sequence, int layerStart, int length)
    {
        if (_awaited.TryGetValue((sequence, layerStart), out Arrival? arrival) && arrival.Length == length)
        {
            arrival.Done.TrySetResult();
        }
    }

    // The executor of a route that isn't in force has no caller yet: whoever imports is the one, one at a time.
    private static ExecutorTurn ExclusiveTurns(ILayerExecutor executor)
    {
        var gate = new Lock();
        return work =>
        {
            lock (gate)
            {
                work(executor);
            }

            return Task.CompletedTask;
        };
    }

    private static ClusterException NotAllowed(PeerConnection source) => new(ClusterFault.NotAllowed, $"{source.Peer.Node} sent KV pages that weren't asked of it.");

    /// <summary>Layers that go from one stage to another.</summary>
    private readonly record struct Leg(int From, int To, LayerRange Layers);

    private sealed record Arrival(int Length)
    {
        public TaskCompletionSource Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
