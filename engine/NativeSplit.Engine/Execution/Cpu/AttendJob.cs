using NativeSplit.Engine.Caching;
using NativeSplit.Kernels;
using NativeSplit.Kernels.Memory;
using NativeSplit.Kernels.Threading;
using NativeSplit.Model;

namespace NativeSplit.Engine.Execution.Cpu;

/// <summary>Grouped-query attention of every row over its sequence's cached positions up to its own. Owns its scratch.</summary>
/// <remarks>
/// <para>Query head h reads key and value head <c>h / (heads / kvHeads)</c> (Ainslie et al. 2023). All heads of a group, and of neighbouring
/// rows of a sequence, go over a page together, so that it is read, and widened where it isn't float32, once for all of them.</para>
/// <para>An item of work is a key and value head with a tile of rows. Where there are too few of them for the threads, as for one row
/// with a long context, an item is one span of it (<see cref="AttentionPlan"/>), and spans are merged afterwards: by the same
/// operations in the same order, so the bits of a row are the same.</para>
/// </remarks>
internal sealed class AttendJob : ITeamJob, IDisposable
{
    // So many items per thread are even enough.
    private const int ItemsPerThread = 4;

    private readonly ModelShape _shape;
    private readonly KernelSet _kernels;
    private readonly ThreadTeam _team;
    private readonly Activations _activations;
    private readonly BatchTable _batch;
    private readonly PagedKvCache _cache;
    private readonly AttentionPlan _plan;
    private readonly AttentionScratch[] _scratch;
    private readonly MergeJob _merge;
    private readonly NativeBuffer<float> _partials;       // [splitRows, heads, spans, headSize]
    private readonly SoftmaxState[] _partialStates;       // [splitRows, heads, spans]
    private readonly int _group;
    private readonly int _chunk;
    private readonly int _chunks;
    private readonly int _splitRows;
    private readonly int _spans;
    private readonly float _scale;
    private int _layer;
    private int _window;
    private int _rows;
    private bool _split;
    private long _cost;

    /// <summary>Makes the job.</summary>
    /// <param name="shape">Shape of the model.</param>
    /// <param name="kernels">Operations.</param>
    /// <param name="team">Threads.</param>
    /// <param name="activations">Queries and where the result goes.</param>
    /// <param name="batch">Rows at work.</param>
    /// <param name="maxRows">Rows of a batch at most.</param>
    /// <param name="cache">Keys and values.</param>
    public AttendJob(ModelShape shape, KernelSet kernels, ThreadTeam team, Activations activations, BatchTable batch, int maxRows, PagedKvCache cache)
    {
        (_shape, _kernels, _team, _activations, _batch, _cache) = (shape, kernels, team, activations, batch, cache);
        _scale = shape.AttentionScale;
        _group = shape.HeadCount / shape.KeyValueHeadCount;
        _chunk = Math.Min(_group, KeyValuePage.MaxQueries);
        _chunks = ((_group - 1) / _chunk) + 1;
        _plan = new AttentionPlan(maxRows, Math.Max(1, KeyValuePage.MaxQueries / _chunk));
        _spans = AttentionPlan.SpansFor(Math.Min(shape.ContextLength, cache.Use.CapacityTokens));
        _splitRows = _spans == 1 ? 0 : Math.Min(maxRows, ((ItemsPerThread * team.Size) - 1) / (shape.KeyValueHeadCount * _chunks));
        _partials = new NativeBuffer<float>(checked(_splitRows * shape.QuerySize * _spans));
        _partialStates = new SoftmaxState[_splitRows * shape.HeadCount * _spans];
        _scratch = new AttentionScratch[team.Size];
        for (int thread = 0; thread < _scratch.Length; thread++)
        {
            _scratch[thread] = new AttentionScratch(shape.HeadSize);
        }

        _merge = new MergeJob(this);
    }

    /// <summary>Cuts the batch; once before its layers run.</summary>
    /// <param name="rows">Rows.</param>
    public void Prepare(int rows)
    {
        _rows = rows;
        _plan.Cut(_batch, rows);
    }

    /// <summary>Runs it; the result is in <see cref="Activations.Attended"/>.</summary>
    /// <param name="layer">Layer, from the start of the range.</param>
    /// <param name="window">Positions that a row sees, its own among them.</param>
    public void Run(int layer, int window)
    {
        (_layer, _window) = (layer, window);
        int longest = 1;
        foreach (ref readonly var tile in _plan.Tiles)
        {
            longest = Math.Max(longest, tile.Spans);
        }

        _split = longest > 1 && _rows <= _splitRows && _team.Size > 1;
        _cost = CostOfAll();
        _team.Run(this);
        if (_split)
        {
            _team.Run(_merge);
        }
    }

    /// <inheritdoc/>
    public void Execute(int part, int parts)
    {
        // Items go to threads by the middle of their cost, so every thread finds its own without being told.
        long before = 0;
        for (int chunk = 0; chunk < _shape.KeyValueHeadCount * _chunks; chunk++)
        {
            foreach (ref readonly var tile in _plan.Tiles)
            {
                int items = _split ? tile.Spans : 1;
                for (int item = 0; item < items; item++)
                {
                    int firstSpan = _split ? item : 0;
                    int endSpan = _split ? item + 1 : tile.Spans;
                    long cost = Cost(tile, firstSpan, endSpan);
                    if ((before + (cost / 2)) * parts / _cost == part)
                    {
                        Attend(tile, chunk / _chunks, chunk % _chunks, firstSpan, endSpan, _scratch[part]);
                    }

                    before += cost;
                }
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _partials.Dispose();
        Array.ForEach(_scratch, scratch => scratch?.Dispose());
    }

    private long CostOfAll()
    {
        long cost = 0;
        foreach (ref readonly var tile in _plan.Tiles)
        {
            int items = _split ? tile.Spans : 1;
            for (int item = 0; item < items; item++)
            {
                cost += Cost(tile, _split ? item : 0, _split ? item + 1 : tile.Spans);
            }
        }

        return cost * _shape.KeyValueHeadCount * _chunks;
    }

    // Pages that are read, times rows that read them, and a little for the item itself.
    private long Cost(in AttentionTile tile, int firstSpan, int endSpan)
    {
        int first = Math.Max(firstSpan * tile.SpanPages, FirstPosition(tile.Position) / PagedKvCache.PagePositions);
        int end = Math.Min(endSpan * tile.SpanPages, tile.Pages);
        return 1 + ((long)Math.Max(0, end - first) * tile.Count * 2);
    }

    private int FirstPosition(int position) => Math.Max(0, position - _window + 1);

    private void Attend(in AttentionTile tile, int keyValueHead, int chunk, int firstSpan, int endSpan, AttentionScratch scratch)
    {
        int firstHead = chunk * _chunk;
        int heads = Math.Min(_chunk, _group - firstHead);
        firstHead += keyValueHead * _group;
        int queries = tile.Count * heads;
        int width = heads * _shape.HeadSize;
        for (int i = 0; i < tile.Count; i++)
        {
            _activations.Query.Span.Slice(((tile.Row + i) * _shape.QuerySize) + (firstHead * _shape.HeadSize), width).CopyTo(scratch.Queries[(i * width)..]);
        }

        Span<SoftmaxState> merged = stackalloc SoftmaxState[KeyValuePage.MaxQueries];
        Span<SoftmaxState> partial = stackalloc SoftmaxState[KeyValuePage.MaxQueries];
        merged[..queries].Fill(SoftmaxState.Empty);
        var outputs = scratch.Merged[..(queries * _shape.HeadSize)];
        outputs.Clear();
        AttendSpan(tile, firstSpan, keyValueHead, heads, scratch, merged, outputs);
        if (_split)
        {
            Keep(tile, firstHead, heads, firstSpan, merged, outputs);
            return;
        }

        for (int span = firstSpan + 1; span < endSpan; span++)
        {
            var later = scratch.Partial[..outputs.Length];
            later.Clear();
            partial[..queries].Fill(SoftmaxState.Empty);
            AttendSpan(tile, span, keyValueHead, heads, scratch, partial, later);
            for (int i = 0; i < queries; i++)
            {
                _kernels.MergeAttention(partial[i], later.Slice(i * _shape.HeadSize, _shape.HeadSize), ref merged[i], outputs.Slice(i * _shape.HeadSize, _shape.HeadSize));
            }
        }

        for (int i = 0; i < queries; i++)
        {
            var output = outputs.Slice(i * _shape.HeadSize, _shape.HeadSize);
            _kernels.FinishAttention(merged[i], output);
            output.CopyTo(Attended(tile.Row + (i / heads), firstHead + (i % heads)));
        }
    }

    /// <summary>Runs the queries of a tile over one span. Rows of the tile that see the same part of a page go together.</summary>
    private void AttendSpan(in AttentionTile tile, int span, int keyValueHead, int heads, AttentionScratch scratch, Span<SoftmaxState> states, Span<float> outputs)
    {
        int firstPage = Math.Max(span * tile.SpanPages, FirstPosition(tile.Position) / PagedKvCache.PagePositions);
        int endPage = Math.Min((span + 1) * tile.SpanPages, tile.Pages);
        var pages = _batch.Sequence(tile.Row).Pages;
        int width = heads * _shape.HeadSize;
        for (int page = firstPage; page < endPage; page++)
        {
            var keys = KeyValuePage.WidenKeys(_cache.Type, _cache.Keys(_layer, pages[page], keyValueHead), _shape.HeadSize, scratch.Keys);
            var values = KeyValuePage.WidenValues(_cache.Type, _cache.Values(_layer, pages[page], keyValueHead), _shape.HeadSize, scratch.Values);
            for (int row = 0; row < tile.Count;)
            {
                var part = PartOf(page, tile.Position + row);
                int end = row + 1;
                while (end < tile.Count && PartOf(page, tile.Position + end) == part)
                {
                    end++;
                }

                if (!part.IsEmpty)
                {
                    _kernels.AttendPage(
                        scratch.Queries[(row * width)..(end * width)],
                        keys,
                        values,
                        part.Start,
                        part.End,
                        _scale,
                        _shape.ScoreSoftCap,
                        states[(row * heads)..(end * heads)],
                        outputs[(row * width)..(end * width)],
                        scratch.Scores);
                }

                row = end;
            }
        }
    }

    // Part of a page that a row at a position sees.
    private WorkRange PartOf(int page, int position)
    {
        int start = page * PagedKvCache.PagePositions;
        int first = Math.Clamp(FirstPosition(position) - start, 0, PagedKvCache.PagePositions);
        int end = Math.Clamp(position + 1 - start, 0, PagedKvCache.PagePositions);
        return first < end ? new WorkRange(first, end) : default;
    }

    private void Keep(in AttentionTile tile, int firstHead, int heads, int span, ReadOnlySpan<SoftmaxState> states, ReadOnlySpan<float> outputs)
    {
        for (int i = 0; i < tile.Count * heads; i++)
        {
            int place = PartialOf(tile.Row + (i / heads), firstHead + (i % heads)) + span;
            _partialStates[place] = states[i];
            outputs.Slice(i * _shape.HeadSize, _shape.HeadSize).CopyTo(_partials.Span.Slice(place * _shape.HeadSize, _shape.HeadSize));
        }
    }

    private int PartialOf(int row, int head) => ((row * _shape.HeadCount) + head) * _spans;

    private Span<float> Attended(int row, int head) =>
        _activations.Attended.Row(row).Slice(head * _shape.HeadSize, _shape.HeadSize);

    /// <summary>Merges the spans of every (row, head), in ascending order.</summary>
    private sealed class MergeJob(AttendJob job) : ITeamJob
    {
        public void Execute(int part, int parts)
        {
            int heads = job._shape.HeadCount;
            int headSize = job._shape.HeadSize;
            foreach (ref readonly var tile in job._plan.Tiles)
            {
                var share = WorkSplit.Of(tile.Count * heads, 1, part, parts);
                for (int item = share.Start; item < share.End; item++)
                {
                    int row = tile.Row + (item / heads);
                    int head = item % heads;
                    int first = job.PartialOf(row, head);
                    var output = job.Attended(row, head);
                    var state = job._partialStates[first];
                    job._partials.Span.Slice(first * headSize, headSize).CopyTo(output);
                    for (int span = 1; span < tile.Spans; span++)
                    {
                        job._kernels.MergeAttention(
                            job._partialStates[first + span], job._partials.Span.Slice((first + span) * headSize, headSize), ref state, output);
                    }

                    job._kernels.FinishAttention(state, output);
                }
            }
        }
    }
}
