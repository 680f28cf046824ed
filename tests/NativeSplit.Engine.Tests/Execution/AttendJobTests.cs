using NativeSplit.Engine.Caching;
using NativeSplit.Engine.Execution;
using NativeSplit.Engine.Execution.Cpu;
using NativeSplit.Kernels;
using NativeSplit.Kernels.Threading;
using NativeSplit.Model;

namespace NativeSplit.Engine.Tests.Execution;

/// <summary>Attention over a filled cache, against a softmax in double precision, and its bits against any other way of cutting the work.</summary>
public class AttendJobTests
{
    private const int Heads = 6;
    private const int KeyValueHeads = 2;
    private const int HeadSize = 16;
    private const int Length = 9100;

    private static readonly ModelShape Shape = new()
    {
        Architecture = "llama",
        LayerCount = 1,
        HiddenSize = 96,
        HeadCount = Heads,
        KeyValueHeadCount = KeyValueHeads,
        HeadSize = HeadSize,
        FeedForwardSize = 32,
        VocabularySize = 10,
        ContextLength = 20000,
        NormEpsilon = 1e-5f,
        Rope = RopeParameters.None,
    };

    public static TheoryData<KeyValueType, int, float> Cases => new()
    {
        { KeyValueType.F32, int.MaxValue, 0f },
        { KeyValueType.F32, 700, 0f },
        { KeyValueType.F32, 40, 5f },
        { KeyValueType.F16, int.MaxValue, 5f },
        { KeyValueType.Q8_0, 3000, 0f },
    };

    // Around the borders of pages, of spans, and of the position from which spans are longer.
    private static int[] Positions => [0, 1, 31, 32, 63, 511, 512, 513, 1023, 1500, 8191, 8192, 8200, 9099];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Run_EqualsASoftmaxInDouble_AtEveryDistance(KeyValueType type, int window, float softCap)
    {
        using var bench = new AttentionBench(Shape with { ScoreSoftCap = softCap }, type, Length);
        foreach (int position in Positions)
        {
            float[] actual = bench.Run([(position, 1)], threads: 1, window);
            double[] expected = bench.Reference(position, window, softCap);

            // Scores: 16 products of values up to 2 and 1 in float32, scaled by 1/4, then exp; sums over up to 9100 positions, averaged.
            double tolerance = 2e-5;
            for (int i = 0; i < actual.Length; i++)
            {
                Assert.True(Math.Abs(actual[i] - expected[i]) <= tolerance, $"position {position} element {i}: {expected[i]} {actual[i]}");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Run_GivesARowTheSameBits_OnAnyThreadsAndInAnyBatch(KeyValueType type, int window, float softCap)
    {
        using var bench = new AttentionBench(Shape with { ScoreSoftCap = softCap }, type, Length);
        foreach (var (first, count) in ((int, int)[])[(0, 70), (500, 30), (1000, 33), (8170, 40), (9080, 20)])
        {
            float[] together = bench.Run([(first, count)], threads: 1, window);
            Assert.Equal(together, bench.Run([(first, count)], threads: 3, window));
            Assert.Equal(together, bench.Run([(first, 1), (first + 1, count - 1)], threads: 2, window));
            foreach (int row in (int[])[0, count / 2, count - 1])
            {
                float[] expected = together[(row * Shape.QuerySize)..((row + 1) * Shape.QuerySize)];
                Assert.Equal(expected, bench.Run([(first + row, 1)], threads: 1, window));
                Assert.Equal(expected, bench.Run([(first + row, 1)], threads: 2, window));
                Assert.Equal(expected, bench.Run([(first + row, 1)], threads: 8, window));
            }
        }
    }

    [Fact]
    public void SpanPages_GrowWithThePosition_SoThatARowNeverHasMoreSpansThanThereIsRoomFor()
    {
        Assert.Equal(16, AttentionPlan.SpanPages(0));
        Assert.Equal(16, AttentionPlan.SpanPages(8191));
        Assert.Equal(32, AttentionPlan.SpanPages(8192));
        Assert.Equal(64, AttentionPlan.SpanPages(16384));
        Assert.Equal(1, AttentionPlan.SpansFor(512));
        Assert.Equal(2, AttentionPlan.SpansFor(513));
        Assert.Equal(16, AttentionPlan.SpansFor(1 << 30));
        for (int position = 0; position < 1 << 20; position += 7)
        {
            var tile = new AttentionTile(0, 1, position, AttentionPlan.SpanPages(position));
            Assert.True(tile.Spans <= AttentionPlan.SpansFor(position + 1), $"position {position}");
        }
    }

    /// <summary>A cache with one sequence of random keys and values, and a random query for every position.</summary>
    private sealed class AttentionBench : IDisposable
    {
        private readonly ModelShape _shape;
        private readonly PagedKvCache _cache;
        private readonly float[] _queries;   // [positions, heads, headSize]
        private readonly float[] _keys;      // [positions, kvHeads, headSize], as the cache keeps them
        private readonly float[] _values;

        public AttentionBench(ModelShape shape, KeyValueType type, int length)
        {
            _shape = shape;
            _cache = new PagedKvCache(shape, layers: 1, length, type);
            Assert.True(_cache.TryReserve(new(1), length));
            var random = new Random(81);
            _queries = Floats(random, length * shape.QuerySize, 4f);
            _keys = Floats(random, length * shape.KeyValueSize, 2f);
            _values = Floats(random, length * shape.KeyValueSize, 2f);
            var pages = _cache.PagesOf(new(1));
            float[] room = new float[HeadSize * KeyValuePage.Positions];
            for (int head = 0; head < KeyValueHeads; head++)
            {
                for (int position = 0; position < length; position++)
                {
                    int at = (position * shape.KeyValueSize) + (head * HeadSize);
                    int page = pages[position / KeyValuePage.Positions];
                    KeyValuePage.StoreKey(type, _keys.AsSpan(at, HeadSize), position % KeyValuePage.Positions, _cache.Keys(0, page, head));
                    KeyValuePage.StoreValue(type, _values.AsSpan(at, HeadSize), position % KeyValuePage.Positions, _cache.Values(0, page, head));
                }

                // What rounding the type does is tested elsewhere: the reference starts from what is kept.
                for (int start = 0; start < length; start += KeyValuePage.Positions)
                {
                    Widen(head, pages[start / KeyValuePage.Positions], start, length, room);
                }
            }
        }

        public float[] Run((int Position, int Count)[] pieces, int threads, int window)
        {
            int rows = pieces.Sum(piece => piece.Count);
            using var team = ThreadTeam.Create(threads);
            using var activations = new Activations(_shape, rows, threads, quantized: false);
            var batch = new BatchTable(rows);
            using var job = new AttendJob(_shape, KernelSets.Fastest, team, activations, batch, rows, _cache);
            int row = 0;
            foreach (var (position, count) in pieces)
            {
                _queries.AsSpan(position * _shape.QuerySize, count * _shape.QuerySize).CopyTo(activations.Query.Span[(row * _shape.QuerySize)..]);
                row += count;
            }

            // Pieces of one sequence in one batch only here: the job itself doesn't mind.
            batch.Fill([.. pieces.Select(piece => new SequenceRows(new(1), piece.Position, piece.Count))], 0, rows, _cache);
            job.Prepare(rows);
            job.Run(0, window);
            return activations.Attended.Rows(rows).ToArray();
        }

        public double[] Reference(int position, int window, float softCap)
        {
            double[] output = new double[_shape.QuerySize];
            int first = (int)Math.Max(0L, (long)position - window + 1);
            for (int head = 0; head < Heads; head++)
            {
                int keyValueHead = head / (Heads / KeyValueHeads);
                double[] scores = new double[position + 1 - first];
                for (int j = 0; j < scores.Length; j++)
                {
                    for (int i = 0; i < HeadSize; i++)
                    {
                        scores[j] += (double)_queries[(position * _shape.QuerySize) + (head * HeadSize) + i] * _keys[((first + j) * _shape.KeyValueSize) + (keyValueHead * HeadSize) + i];
                    }

                    scores[j] /= Math.Sqrt(HeadSize);
                    scores[j] = softCap > 0 ? softCap * Math.Tanh(scores[j] / softCap) : scores[j];
                }

                double maximum = scores.Max();
                double sum = scores.Sum(score => Math.Exp(score - maximum));
                for (int i = 0; i < HeadSize; i++)
                {
                    output[(head * HeadSize) + i] = scores.Select(
                        (score, j) => Math.Exp(score - maximum) / sum * _values[((first + j) * _shape.KeyValueSize) + (keyValueHead * HeadSize) + i]).Sum();
                }
            }

            return output;
        }

        public void Dispose() => _cache.Dispose();

        private void Widen(int head, int page, int start, int length, float[] room)
        {
            float[] keys = KeyValuePage.WidenKeys(_cache.Type, _cache.Keys(0, page, head), HeadSize, room).ToArray();
            float[] values = KeyValuePage.WidenValues(_cache.Type, _cache.Values(0, page, head), HeadSize, room).ToArray();
            for (int place = 0; place < KeyValuePage.Positions && start + place < length; place++)
            {
                for (int i = 0; i < HeadSize; i++)
                {
                    int at = ((start + place) * _shape.KeyValueSize) + (head * HeadSize) + i;
                    _keys[at] = keys[(i * KeyValuePage.Positions) + place];
                    _values[at] = values[(place * HeadSize) + i];
                }
            }
        }

        private static float[] Floats(Random random, int count, float width)
        {
            float[] values = new float[count];
            foreach (ref float value in values.AsSpan())
            {
                value = (random.NextSingle() - 0.5f) * width;
            }

            return values;
        }
    }
}
