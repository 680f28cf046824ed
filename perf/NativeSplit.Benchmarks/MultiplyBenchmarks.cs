using BenchmarkDotNet.Attributes;
using NativeSplit.Kernels;
using NativeSplit.Kernels.Formats;
using NativeSplit.Kernels.Memory;
using NativeSplit.ModelMaker;

namespace NativeSplit.Benchmarks;

/// <summary><c>KernelSet.Multiply</c> on one thread: 1 input is decode, 8 a small batch, 64 a piece of a prompt.</summary>
public class MultiplyBenchmarks : IKernelWork
{
    private readonly KernelSet _kernels = KernelCatalog.Default;
    private readonly float[] _scratch = new float[MatrixShape.Columns];
    private NativeMemoryRegion _region = null!;
    private WeightMatrix[] _copies = [];
    private float[] _x = [];   // [inputs, columns]
    private float[] _y = [];   // [inputs, rows]
    private int _next;

    [Params(WeightType.F32, WeightType.F16, WeightType.Q8_0, WeightType.Q6_K, WeightType.Q4_K, WeightType.Q4_0)]
    public WeightType Type { get; set; }

    [Params(1, 8, 64)]
    public int Inputs { get; set; }

    double IKernelWork.BytesPerCall => MatrixBytes + (4.0 * Inputs * (MatrixShape.Rows + MatrixShape.Columns));

    double IKernelWork.OperationsPerCall => 2.0 * Inputs * MatrixShape.Rows * MatrixShape.Columns;

    private long MatrixBytes => BlockFormat.Of(Type).RowBytes(MatrixShape.Columns) * MatrixShape.Rows;

    [GlobalSetup]
    public void Setup()
    {
        int copies = MatrixShape.CopiesOf(MatrixBytes);
        _region = NativeMemoryRegion.Allocate(copies * MatrixBytes);
        _copies = [.. Enumerable.Range(0, copies).Select(copy => new WeightMatrix(_region, copy * MatrixBytes, Type, MatrixShape.Rows, MatrixShape.Columns))];
        for (int copy = 0; copy < copies; copy++)
        {
            RandomBlocks.Fill(Type, 0.02f, new WeightRandom((ulong)copy, "benchmark"), _region.BorrowWritable(copy * MatrixBytes, (int)MatrixBytes));
        }

        _x = MatrixShape.Inputs(Inputs * MatrixShape.Columns);
        _y = new float[Inputs * MatrixShape.Rows];
    }

    [GlobalCleanup]
    public void Cleanup() => _region.Dispose();

    [Benchmark]
    public void Multiply()
    {
        WeightMatrix weights = _copies[_next];
        _next = (_next + 1) % _copies.Length;
        _kernels.Multiply(weights, 0, MatrixShape.Rows, _x, Inputs, _y, _scratch);
    }
}
