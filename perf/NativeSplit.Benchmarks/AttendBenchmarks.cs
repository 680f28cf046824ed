using BenchmarkDotNet.Attributes;
using NativeSplit.Kernels;
using NativeSplit.Kernels.Memory;

namespace NativeSplit.Benchmarks;

/// <summary>Attention of one row's group of query heads over the pages of their key and value head, by type of KV cache.</summary>
/// <remarks>A call reads every cached position once: time over <see cref="Positions"/> is the time of a KV row.</remarks>
public class AttendBenchmarks : IKernelWork
{
    private const int Group = 8;
    private const int HeadSize = 64;
    private const int PageFloats = HeadSize * KeyValuePage.Positions;

    // Rotated, so that the cache comes from memory as in a model with many layers, not from the last-level cache.
    private const int Copies = 8;

    private readonly KernelSet _kernels = KernelCatalog.Default;
    private readonly float[] _keyRoom = new float[PageFloats];
    private readonly float[] _valueRoom = new float[PageFloats];
    private readonly float[] _scores = new float[Group * KeyValuePage.Positions];
    private readonly SoftmaxState[] _states = new SoftmaxState[Group];
    private readonly float[] _queries = MatrixShape.Inputs(Group * HeadSize);
    private readonly float[] _outputs = new float[Group * HeadSize];
    private NativeBuffer<byte> _cache = null!;   // [copies, pages, 2, head of a page]
    private int _headBytes;
    private int _copy;

    [Params(512, 2048, 8192)]
    public int Positions { get; set; }

    [Params(KeyValueType.F32, KeyValueType.F16, KeyValueType.Q8_0)]
    public KeyValueType Type { get; set; }

    double IKernelWork.BytesPerCall => 2.0 * KeyValuePage.HeadBytes(Type, HeadSize) * Positions / KeyValuePage.Positions;

    double IKernelWork.OperationsPerCall => 4.0 * Positions * HeadSize * Group;

    private int Pages => Positions / KeyValuePage.Positions;

    [GlobalSetup]
    public void Setup()
    {
        _headBytes = KeyValuePage.HeadBytes(Type, HeadSize);
        _cache = new NativeBuffer<byte>(Copies * Pages * 2 * _headBytes);
        for (int page = 0; page < Copies * Pages; page++)
        {
            float[] rows = MatrixShape.Inputs(PageFloats);
            for (int position = 0; position < KeyValuePage.Positions; position++)
            {
                KeyValuePage.StoreKey(Type, rows.AsSpan(position * HeadSize, HeadSize), position, Head(2 * page));
                KeyValuePage.StoreValue(Type, rows.AsSpan(position * HeadSize, HeadSize), position, Head((2 * page) + 1));
            }
        }
    }

    [GlobalCleanup]
    public void Cleanup() => _cache.Dispose();

    [Benchmark]
    public void AttendPage()
    {
        Start();
        float scale = 1 / MathF.Sqrt(HeadSize);
        for (int page = 0; page < Pages; page++)
        {
            int head = 2 * ((_copy * Pages) + page);
            var keys = KeyValuePage.WidenKeys(Type, Head(head), HeadSize, _keyRoom);
            var values = KeyValuePage.WidenValues(Type, Head(head + 1), HeadSize, _valueRoom);
            _kernels.AttendPage(_queries, keys, values, 0, KeyValuePage.Positions, scale, 0f, _states, _outputs, _scores);
        }

        for (int query = 0; query < Group; query++)
        {
            _kernels.FinishAttention(_states[query], _outputs.AsSpan(query * HeadSize, HeadSize));
        }
    }

    [Benchmark(Baseline = true)]
    public void PerHead()
    {
        Start();
        float scale = 1 / MathF.Sqrt(HeadSize);
        for (int query = 0; query < Group; query++)
        {
            var output = _outputs.AsSpan(query * HeadSize, HeadSize);
            for (int page = 0; page < Pages; page++)
            {
                int head = 2 * ((_copy * Pages) + page);
                var keys = KeyValuePage.WidenValues(Type, Head(head), HeadSize, _keyRoom);
                var values = KeyValuePage.WidenValues(Type, Head(head + 1), HeadSize, _valueRoom);
                PerHeadAttention.Attend(_queries.AsSpan(query * HeadSize, HeadSize), keys, values, scale, ref _states[query], output);
            }

            _kernels.FinishAttention(_states[query], output);
        }
    }

    private void Start()
    {
        _copy = (_copy + 1) % Copies;
        _outputs.AsSpan().Clear();
        _states.AsSpan().Fill(SoftmaxState.Empty);
    }

    private Span<byte> Head(int index) => _cache.Span.Slice(index * _headBytes, _headBytes);
}
