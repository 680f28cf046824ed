using System.Diagnostics;
using NativeSplit.Engine;
using NativeSplit.Engine.Caching;
using NativeSplit.Engine.Execution;
using NativeSplit.Host.Composition;
using NativeSplit.Model;

namespace NativeSplit.Host.Bench;

/// <summary>One run of a test.</summary>
/// <param name="Elapsed">Time of all its tokens: embedding, layers, and the logits that a generator would ask for.</param>
/// <param name="AllocatedBytes">Managed bytes allocated meanwhile, over all threads.</param>
internal readonly record struct BenchSample(TimeSpan Elapsed, long AllocatedBytes);

/// <summary>Runs tests on a loaded model the way a generator would: embedding, path, head. Tokens are random; none is sampled.</summary>
internal sealed class BenchSession : IAsyncDisposable
{
    private const int WarmUpTokens = 16;

    private readonly LoadedModel _model;
    private readonly LocalLayerPath _path;
    private readonly int _chunkRows;
    private readonly TokenId[] _tokens;
    private readonly float[] _hidden;         // [rows, hidden]
    private readonly float[] _logits;         // [sequences, vocabulary]
    private readonly SequenceRows[] _batch;   // [sequences]
    private readonly int[] _rows;             // 0, 1, 2, …

    public BenchSession(LoadedModel model, BenchPlan plan)
    {
        _model = model;
        _chunkRows = plan.ChunkRows;
        int sequences = plan.Tests.Max(test => test.Batch);
        _tokens = RandomTokens(Math.Max(plan.MaxRows, plan.Tests.Max(test => test.Tokens) + sequences), model.Shape.VocabularySize);
        _hidden = new float[plan.MaxRows * model.Shape.HiddenSize];
        _logits = new float[sequences * model.Shape.VocabularySize];
        _batch = new SequenceRows[sequences];
        _rows = [.. Enumerable.Range(0, sequences)];
        _path = model.CreateLocalPath([model.Shape.AllLayers], plan.KvTokens(PagedKvCache.PagePositions), plan.MaxRows);
    }

    /// <summary>What computes, for people.</summary>
    public string Backend => _path.Executors[0].Backend;

    /// <summary>Runs a short form of a test, so that code is compiled, pages are there and clocks are up.</summary>
    public async ValueTask WarmUpAsync(BenchTest test, CancellationToken cancellationToken) =>
        await RunAsync(test with { Tokens = Math.Min(test.Tokens, test.IsPrefill ? _chunkRows : WarmUpTokens) }, cancellationToken);

    /// <summary>Runs a test once.</summary>
    public async ValueTask<BenchSample> RunAsync(BenchTest test, CancellationToken cancellationToken)
    {
        try
        {
            for (int i = 0; i < test.Batch; i++)
            {
                if (!await _path.TryReserveAsync(IdOf(i), test.Positions, cancellationToken))
                {
                    throw new EngineException(EngineFault.NoCapacity, $"No room for {test.Batch} sequences of {test.Positions} positions of KV cache.");
                }

                await ForwardPromptAsync(IdOf(i), 0, test.Depth, cancellationToken);
            }

            long allocated = GC.GetTotalAllocatedBytes(precise: true);
            long start = Stopwatch.GetTimestamp();
            if (test.IsPrefill)
            {
                int last = await ForwardPromptAsync(IdOf(0), test.Depth, test.Tokens, cancellationToken);
                _model.ComputeLogits(_hidden.AsSpan((last - 1) * _model.Shape.HiddenSize, _model.Shape.HiddenSize), [0], _logits.AsMemory(0, _model.Shape.VocabularySize));
            }
            else
            {
                await DecodeAsync(test, cancellationToken);
            }

            TimeSpan elapsed = Stopwatch.GetElapsedTime(start);
            return new BenchSample(elapsed, GC.GetTotalAllocatedBytes(precise: true) - allocated);
        }
        finally
        {
            for (int i = 0; i < test.Batch; i++)
            {
                await _path.FreeAsync(IdOf(i));
            }
        }
    }

    public ValueTask DisposeAsync() => _path.DisposeAsync();

    /// <returns>Rows of the last chunk.</returns>
    private async ValueTask<int> ForwardPromptAsync(SequenceId sequence, int position, int count, CancellationToken cancellationToken)
    {
        int rows = 0;
        for (int end = position + count; position < end; position += rows)
        {
            rows = Math.Min(_chunkRows, end - position);
            Memory<float> hidden = _hidden.AsMemory(0, rows * _model.Shape.HiddenSize);
            _model.Embed(_tokens.AsSpan(0, rows), hidden.Span, position);
            _batch[0] = new SequenceRows(sequence, position, rows);
            await _path.ForwardAsync(_batch.AsMemory(0, 1), hidden, cancellationToken);
        }

        return rows;
    }

    private async ValueTask DecodeAsync(BenchTest test, CancellationToken cancellationToken)
    {
        Memory<float> hidden = _hidden.AsMemory(0, test.Batch * _model.Shape.HiddenSize);
        Memory<float> logits = _logits.AsMemory(0, test.Batch * _model.Shape.VocabularySize);
        for (int step = 0; step < test.Tokens; step++)
        {
            for (int i = 0; i < test.Batch; i++)
            {
                _batch[i] = new SequenceRows(IdOf(i), test.Depth + step, 1);
            }

            _model.Embed(_tokens.AsSpan(step, test.Batch), _batch.AsSpan(0, test.Batch), hidden.Span);

            await _path.ForwardAsync(_batch.AsMemory(0, test.Batch), hidden, cancellationToken);
            _model.ComputeLogits(hidden.Span, _rows.AsSpan(0, test.Batch), logits);
        }
    }

    private static SequenceId IdOf(int index) => new((ulong)index + 1);

    private static TokenId[] RandomTokens(int count, int vocabulary)
    {
        var random = new Random(1);
        var tokens = new TokenId[count];
        for (int i = 0; i < count; i++)
        {
            tokens[i] = new TokenId(random.Next(vocabulary));
        }

        return tokens;
    }
}
