using NativeSplit.Engine.Caching;
using NativeSplit.Kernels;
using NativeSplit.Kernels.Threading;
using NativeSplit.Model;
using NativeSplit.Model.Weights;

namespace NativeSplit.Engine.Execution.Cpu;

/// <summary>Makes queries and keys ready for attention (norm per head where the model has one, rotary embedding) and appends keys and values to the cache. (row, head) pairs are shared out.</summary>
internal sealed class CacheJob(ModelShape shape, KernelSet kernels, ThreadTeam team, Activations activations, BatchTable batch, PagedKvCache cache, RotaryTable rotary) : ITeamJob
{
    private readonly bool _interleaved = shape.Rope.Layout == RopeLayout.Interleaved;
    private LayerWeights _weights = null!;
    private int _layer;
    private int _rows;

    /// <summary>Runs it.</summary>
    /// <param name="weights">The layer's weights.</param>
    /// <param name="layer">Layer, from the start of the range.</param>
    /// <param name="rows">Rows.</param>
    public void Run(LayerWeights weights, int layer, int rows)
    {
        (_weights, _layer, _rows) = (weights, layer, rows);
        team.Run(this);
    }

    /// <inheritdoc/>
    public void Execute(int part, int parts)
    {
        int heads = shape.HeadCount + shape.KeyValueHeadCount;
        var share = WorkSplit.Of(_rows * heads, 1, part, parts);
        for (int item = share.Start; item < share.End; item++)
        {
            int row = item / heads;
            int head = item % heads;
            if (head < shape.HeadCount)
            {
                Rotate(activations.Query.Span.Slice((row * shape.QuerySize) + (head * shape.HeadSize), shape.HeadSize), _weights.QueryNorm.Span, row);
            }
            else
            {
                Append(row, head - shape.HeadCount);
            }
        }
    }

    private void Append(int row, int head)
    {
        int source = (row * shape.KeyValueSize) + (head * shape.HeadSize);
        var key = activations.Key.Span.Slice(source, shape.HeadSize);
        Rotate(key, _weights.KeyNorm.Span, row);

        int position = batch.Position(row);
        int page = batch.Sequence(row).PageOf(position);
        int place = position % PagedKvCache.PagePositions;
        KeyValuePage.StoreKey(cache.Type, key, place, cache.Keys(_layer, page, head));
        KeyValuePage.StoreValue(cache.Type, activations.Value.Span.Slice(source, shape.HeadSize), place, cache.Values(_layer, page, head));
    }

    private void Rotate(Span<float> head, ReadOnlySpan<float> gain, int row)
    {
        if (!gain.IsEmpty)
        {
            kernels.RmsNorm(head, gain, shape.NormEpsilon, head);
        }

        int position = batch.Position(row);
        if (shape.Rope.Dimensions == 0)
        {
            return;
        }

        if (_interleaved)
        {
            kernels.RotateInterleaved(head, rotary.Cosines(position), rotary.Sines(position));
        }
        else
        {
            kernels.RotateHalves(head, rotary.Cosines(position), rotary.Sines(position));
        }
    }
}
