using System.Runtime.Intrinsics.X86;
using NativeSplit.Kernels.Simd;

namespace NativeSplit.Kernels.Avx2;

/// <summary>Kernels for processors with AVX2 and FMA.</summary>
/// <remarks>
/// Equal to the scalar set bit for bit where no exponential is taken; to the AVX-512 set everywhere, so that nodes of
/// both kinds may share a model.
/// </remarks>
internal sealed partial class Avx2Kernels : KernelSet
{
    /// <inheritdoc/>
    public override string Name => "avx2";

    /// <inheritdoc/>
    public override bool IsSupported => System.Runtime.Intrinsics.X86.Avx2.IsSupported && Fma.IsSupported;

    /// <inheritdoc/>
    protected override void DequantizeRowCore(WeightMatrix weights, int row, Span<float> destination) =>
        SimdMatrix<Avx2Dot>.Widen(weights, row, destination);

    /// <inheritdoc/>
    protected override void MultiplyCore(WeightMatrix weights, int firstRow, int rowCount, ReadOnlySpan<float> x, int inputs, Span<float> y, Span<float> scratch) =>
        SimdMatrix<Avx2Dot>.Multiply(weights, firstRow, rowCount, x, inputs, y);
}
