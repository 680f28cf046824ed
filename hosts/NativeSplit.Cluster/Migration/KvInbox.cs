using NativeSplit.Engine;
using NativeSplit.Engine.Execution;
using NativeSplit.Model;
using NativeSplit.Transport.Frames;

namespace NativeSplit.Cluster.Migration;

/// <summary>Takes KV pages into the executor of a stage that is being prepared, from any number of sources. Safe from several threads.</summary>
/// <param name="range">Layers of the stage.</param>
/// <param name="turn">Turns with its executor.</param>
/// <param name="arrived">Told when some layers of a sequence are whole up to a length. May not throw.</param>
public sealed class KvInbox(LayerRange range, ExecutorTurn turn, Func<KvTarget, LayerRange, int, ValueTask> arrived) : IKvSink
{
    // Touched in turns alone, so one at a time.
    private readonly Dictionary<SequenceId, int[]> _lengths = [];

    /// <summary>Takes what a frame carries.</summary>
    /// <exception cref="ClusterException"><see cref="ClusterFault.Protocol"/>: it can't be read, or the cache has no such place.</exception>
    public async ValueTask AcceptAsync(FrameHeader header, ReadOnlyMemory<byte> payload)
    {
        if (!KvPayload.TryRead(header, payload.Span, out bool isEnd, out int number))
        {
            throw new ClusterException(ClusterFault.Protocol, "A frame with KV pages can't be read.");
        }

        KvTarget target = KvPayload.TargetOf(header);
        if (isEnd)
        {
            if (header.Rows <= header.Sequences)
            {
                throw new ClusterException(ClusterFault.Protocol, "A frame with KV pages ends no layers.");
            }

            await EndAsync(target, new LayerRange((int)header.Sequences, (int)header.Rows), number, CancellationToken.None).ConfigureAwait(false);
        }
        else
        {
            await PieceAsync(target, (int)header.Sequences, (int)header.Rows, number, payload[KvPayload.PrefixBytes..], CancellationToken.None).ConfigureAwait(false);
        }
    }

    /// <inheritdoc/>
    public async ValueTask PieceAsync(KvTarget target, int layer, int page, int offset, ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken) =>
        await turn(executor => Judged(executor, target, cache => cache.Import(target.Sequence, layer, page, offset, bytes.Span))).ConfigureAwait(false);

    /// <inheritdoc/>
    public async ValueTask EndAsync(KvTarget target, LayerRange layers, int length, CancellationToken cancellationToken)
    {
        await turn(executor => Judged(executor, target, cache => Finish(cache, target.Sequence, layers, length))).ConfigureAwait(false);
        await arrived(target, layers, length).ConfigureAwait(false);
    }

    /// <summary>Forgets a sequence that is freed. To be called in a turn.</summary>
    public void Forget(SequenceId sequence) => _lengths.Remove(sequence);

    private void Finish(Engine.Caching.IKvPages cache, SequenceId sequence, LayerRange layers, int length)
    {
        if (layers.Start < range.Start || layers.End > range.End || cache.LengthOf(sequence) is null)
        {
            throw new ArgumentException($"Layers {layers} of sequence {sequence} have no place here.", nameof(layers));
        }

        if (!_lengths.TryGetValue(sequence, out int[]? lengths))
        {
            _lengths[sequence] = lengths = new int[range.Count];
        }

        lengths.AsSpan(layers.Start - range.Start, layers.Count).Fill(length);
        cache.SetLength(sequence, lengths.Min());
    }

    private static void Judged(ILayerExecutor executor, KvTarget target, Action<Engine.Caching.IKvPages> work)
    {
        if (executor.KvPages is not { } cache || cache.Type != target.Type)
        {
            throw new ClusterException(ClusterFault.Unsupported, $"{executor.Backend} can't take KV pages of type {target.Type}.");
        }

        try
        {
            work(cache);
        }
        catch (ArgumentException e)
        {
            throw new ClusterException(ClusterFault.Protocol, $"KV pages have no place here: {e.Message}", e);
        }
    }
}
