using NativeSplit.Engine;
using NativeSplit.Engine.Caching;
using NativeSplit.Engine.Execution;
using NativeSplit.Model;

namespace NativeSplit.Cluster.Tests.Stages;

/// <summary>An executor whose every layer adds 1 to every element: enough to see which layers ran, in which order of calls.</summary>
internal sealed class AddOneExecutor(ModelShape shape, LayerRange range, int kvTokens) : ILayerExecutor
{
    private readonly Dictionary<SequenceId, (int Reserved, int Cached)> _sequences = [];

    public static ModelShape SmallShape { get; } = new()
    {
        Architecture = "llama",
        LayerCount = 8,
        HiddenSize = 4,
        HeadCount = 1,
        KeyValueHeadCount = 1,
        HeadSize = 4,
        FeedForwardSize = 8,
        VocabularySize = 16,
        ContextLength = 64,
        NormEpsilon = 1e-5f,
        Rope = new RopeParameters { Layout = RopeLayout.Interleaved, Dimensions = 4, FrequencyBase = 10000 },
    };

    public bool Disposed { get; private set; }

    public ManualResetEventSlim Gate { get; } = new(initialState: true);

    public int? CallerThread { get; private set; }

    public ModelShape Shape => shape;

    public LayerRange Range => range;

    public string Backend => "test/add-one";

    public KvCacheUse KvCacheUse => new(kvTokens, _sequences.Values.Sum(s => s.Reserved), _sequences.Count);

    public IKvPages? KvPages => null;

    public bool TryReserve(SequenceId sequence, int tokens)
    {
        (int reserved, int cached) = _sequences.GetValueOrDefault(sequence);
        if (KvCacheUse.ReservedTokens - reserved + tokens > kvTokens)
        {
            return false;
        }

        _sequences[sequence] = (Math.Max(reserved, tokens), cached);
        return true;
    }

    public void Free(SequenceId sequence) => _sequences.Remove(sequence);

    public void Forward(ReadOnlySpan<SequenceRows> batch, Span<float> hidden)
    {
        CallerThread = Environment.CurrentManagedThreadId;
        Gate.Wait(TestContext.Current.CancellationToken);
        if (batch.Length > 1 && batch[0].Sequence == batch[1].Sequence)
        {
            throw new ArgumentException($"Sequence {batch[0].Sequence} is in the batch twice.", nameof(batch));
        }

        foreach (SequenceRows rows in batch)
        {
            if (!_sequences.TryGetValue(rows.Sequence, out var state) || state.Cached != rows.Position || rows.Position + rows.Count > state.Reserved)
            {
                throw new EngineException(EngineFault.OutOfOrder, $"Sequence {rows.Sequence} isn't at position {rows.Position}.");
            }
        }

        foreach (SequenceRows rows in batch)
        {
            _sequences[rows.Sequence] = (_sequences[rows.Sequence].Reserved, rows.Position + rows.Count);
        }

        foreach (ref float value in hidden)
        {
            value += range.Count;
        }
    }

    public void Dispose()
    {
        Disposed = true;
        Gate.Set();
    }
}
