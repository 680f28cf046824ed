using BenchmarkDotNet.Attributes;
using NativeSplit.Kernels;

namespace NativeSplit.Benchmarks;

/// <summary><see cref="KernelSet.RmsNorm"/> of one row.</summary>
public class RmsNormBenchmarks : IKernelWork
{
    private readonly KernelSet _kernels = KernelCatalog.Default;
    private float[] _x = [];
    private float[] _gain = [];
    private float[] _y = [];

    [Params(2048, 4096)]
    public int Hidden { get; set; }

    double IKernelWork.BytesPerCall => 3.0 * sizeof(float) * Hidden;

    double IKernelWork.OperationsPerCall => 4.0 * Hidden;

    [GlobalSetup]
    public void Setup() => (_x, _gain, _y) = (MatrixShape.Inputs(Hidden), MatrixShape.Inputs(Hidden), new float[Hidden]);

    [Benchmark]
    public void RmsNorm() => _kernels.RmsNorm(_x, _gain, 1e-5f, _y);
}
