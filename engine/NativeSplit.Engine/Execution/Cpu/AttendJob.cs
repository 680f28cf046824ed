using NativeSplit.Engine.Caching;
using NativeSplit.Kernels;
using NativeSplit.Kernels.Threading;
using NativeSplit.Model;

namespace NativeSplit.Engine.Execution.Cpu;

/// <summary>Grouped-query attention of every row over its sequence's cached positions up to its own. (head, row) pairs are shared out.</summary>
/// <remarks>
/// Query head h reads key and value head <c>h / (heads / kvHeads)</c> (Ainslie et al. 2023). Scores are scaled by 1/√headSize.
/// Runs end at page borders, so they are cut by position alone and the bits of a row don't depend on the batch around it.
/// </remarks>
internal sealed class AttendJob(ModelShape shape, KernelSet kernels, ThreadTeam team, Activations activations, BatchTable batch, PagedKvCache cache) : ITeamJob
{
    private readonly float _scale = (float)(1.0 / Math.Sqrt(shape.HeadSize));
    private int _layer;
    private int _rows;

    /// <summary>Runs it; the result is in <see cref="Activations.Attended"/>.</summary>
    /// <param name="layer">Layer, from the start of the range.</param>
    /// <param name="rows">Rows.</param>
    public void Run(int layer, int rows)
    {
        (_layer, _rows) = (layer, rows);
        team.Run(this);
    }

    /// <inheritdoc/>
    public void Execute(int part, int parts)
    {
        // Heads outside: later rows see more positions, so a share of heads is more even than a share of rows.
        var share = WorkSplit.Of(_rows * shape.HeadCount, 1, part, parts);
        for (int item = share.Start; item < share.End; item++)
        {
            Attend(item / _rows, item % _rows);
        }
    }

    private void Attend(int head, int row)
    {
        Span<float> scores = stackalloc float[PagedKvCache.PagePositions];
        int keyValueHead = head / (shape.HeadCount / shape.KeyValueHeadCount);
        int offset = (row * shape.QuerySize) + (head * shape.HeadSize);
        var query = activations.Query.Span.Slice(offset, shape.HeadSize);
        var output = activations.Attended.Values.Span.Slice(offset, shape.HeadSize);
        output.Clear();
        var state = SoftmaxState.Empty;
        int positions = batch.Position(row) + 1;
        var pages = batch.Sequence(row).Pages;
        for (int first = 0, page = 0; first < positions; first += PagedKvCache.PagePositions, page++)
        {
            int count = Math.Min(PagedKvCache.PagePositions, positions - first);
            var keys = cache.Keys(_layer, pages[page], keyValueHead)[..(count * shape.HeadSize)];
            var values = cache.Values(_layer, pages[page], keyValueHead)[..(count * shape.HeadSize)];
            kernels.AttendRun(query, keys, values, count, _scale, ref state, output, scores);
        }

        kernels.FinishAttention(state, output);
    }
}
