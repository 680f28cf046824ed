using NativeSplit.Engine.Caching;
using NativeSplit.Engine.Execution;
using NativeSplit.Model;

namespace NativeSplit.Cluster.Migration;

/// <summary>Some layers of a sequence that move.</summary>
/// <param name="Target">Where they go.</param>
/// <param name="Layers">The layers.</param>
/// <param name="FromPage">First page of the sequence that moves; those before are there already.</param>
/// <param name="Length">Positions of the sequence that are to be there.</param>
public readonly record struct KvMove(KvTarget Target, LayerRange Layers, int FromPage, int Length);

/// <summary>Reads the pages of sequences out of an executor, between its batches, and gives them to a sink.</summary>
public static class KvExporter
{
    /// <summary>Most bytes of a piece: a bulk frame holds them and their prefix.</summary>
    public const int PieceBytes = 128 << 10;

    /// <summary>Moves.</summary>
    /// <param name="move">What.</param>
    /// <param name="source">Turns with the executor that has the pages; each takes as long as copying one page of each layer.</param>
    /// <param name="sink">Takes them.</param>
    /// <param name="cancellationToken">Ends the move.</param>
    /// <returns>Bytes of pages given to the sink.</returns>
    /// <exception cref="ClusterException">
    /// <see cref="ClusterFault.Unsupported"/>: the executor can't give out its pages, or keeps them in another type. <see cref="ClusterFault.StageRefused"/>: it
    /// hasn't that many positions.
    /// </exception>
    public static async Task<long> MoveAsync(KvMove move, ExecutorTurn source, IKvSink sink, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(sink);
        byte[][] pages = [];
        long bytes = 0;
        for (int page = move.FromPage; page * PagedKvCache.PagePositions < move.Length; page++)
        {
            int number = page;
            await source(executor => pages = Read(executor, move, number, pages)).WaitAsync(cancellationToken).ConfigureAwait(false);
            for (int layer = 0; layer < pages.Length; layer++)
            {
                for (int offset = 0; offset < pages[layer].Length; offset += PieceBytes)
                {
                    ReadOnlyMemory<byte> piece = pages[layer].AsMemory(offset, Math.Min(PieceBytes, pages[layer].Length - offset));
                    await sink.PieceAsync(move.Target, move.Layers.Start + layer, page, offset, piece, cancellationToken).ConfigureAwait(false);
                    bytes += piece.Length;
                }
            }
        }

        await sink.EndAsync(move.Target, move.Layers, move.Length, cancellationToken).ConfigureAwait(false);
        return bytes;
    }

    private static byte[][] Read(ILayerExecutor executor, KvMove move, int page, byte[][] pages)
    {
        if (executor.KvPages is not { } cache || cache.Type != move.Target.Type)
        {
            throw new ClusterException(ClusterFault.Unsupported, $"{executor.Backend} can't give out KV pages of type {move.Target.Type}.");
        }

        if (cache.LengthOf(move.Target.Sequence) is not { } length || length < move.Length)
        {
            throw new ClusterException(ClusterFault.StageRefused, $"The stage hasn't {move.Length} positions of sequence {move.Target.Sequence}.");
        }

        if (pages.Length == 0)
        {
            pages = [.. Enumerable.Range(0, move.Layers.Count).Select(_ => new byte[cache.PageBytes])];
        }

        for (int layer = 0; layer < pages.Length; layer++)
        {
            cache.Export(move.Target.Sequence, move.Layers.Start + layer, page, pages[layer]);
        }

        return pages;
    }
}
