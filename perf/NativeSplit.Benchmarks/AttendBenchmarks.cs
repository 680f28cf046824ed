using BenchmarkDotNet.Attributes;
using NativeSplit.Kernels;
using NativeSplit.Kernels.Memory;

namespace NativeSplit.Benchmarks;

/// <summary>Attention of one query head over a float32 KV cache, in runs of a page as the executor takes them.</summary>
public class AttendBenchmarks : IKernelWork
{
    private const int RunPositions = 32;

    private readonly KernelSet _kernels = KernelCatalog.Default;
    private readonly float[] _scratch = new float[RunPositions];
    private NativeBuffer<float> _keys = null!;     // [positions, headSize]
    private NativeBuffer<float> _values = null!;   // [positions, headSize]
    private float[] _query = [];
    private float[] _output = [];

    [Params(512, 8192)]
    public int Positions { get; set; }

    [Params(64, 128)]
    public int HeadSize { get; set; }

    double IKernelWork.BytesPerCall => 2.0 * sizeof(float) * Positions * HeadSize;

    double IKernelWork.OperationsPerCall => 4.0 * Positions * HeadSize;

    [GlobalSetup]
    public void Setup()
    {
        _keys = new NativeBuffer<float>(Positions * HeadSize);
        _values = new NativeBuffer<float>(Positions * HeadSize);
        MatrixShape.Inputs(Positions * HeadSize).CopyTo(_keys.Span);
        MatrixShape.Inputs(Positions * HeadSize).CopyTo(_values.Span);
        _query = MatrixShape.Inputs(HeadSize);
        _output = new float[HeadSize];
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        _keys.Dispose();
        _values.Dispose();
    }

    [Benchmark]
    public void AttendRun()
    {
        SoftmaxState state = SoftmaxState.Empty;
        _output.AsSpan().Clear();
        float scale = 1 / MathF.Sqrt(HeadSize);
        int run = RunPositions * HeadSize;
        for (int start = 0; start < _keys.Length; start += run)
        {
            _kernels.AttendRun(_query, _keys.Span.Slice(start, run), _values.Span.Slice(start, run), RunPositions, scale, ref state, _output, _scratch);
        }

        _kernels.FinishAttention(state, _output);
    }
}
