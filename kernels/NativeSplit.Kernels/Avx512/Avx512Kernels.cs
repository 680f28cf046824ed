using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using NativeSplit.Kernels.Simd;

namespace NativeSplit.Kernels.Avx512;

/// <summary>Kernels for processors with AVX-512 (F, BW, DQ, VL).</summary>
/// <remarks>
/// Written on <see cref="Vector512{T}"/>, which .NET emulates elsewhere: correct everywhere, fast only with AVX-512. Equal
/// to the AVX2 set bit for bit.
/// </remarks>
internal sealed partial class Avx512Kernels : KernelSet
{
    /// <inheritdoc/>
    public override string Name => "avx512";

    /// <inheritdoc/>
    public override bool IsSupported => Vector512.IsHardwareAccelerated
        && Avx512F.IsSupported && Avx512BW.IsSupported && Avx512DQ.IsSupported && Avx512F.VL.IsSupported;

    /// <inheritdoc/>
    protected override void DequantizeRowCore(WeightMatrix weights, int row, Span<float> destination) =>
        SimdMatrix<Avx512Dot>.Widen(weights, row, destination);

    /// <inheritdoc/>
    protected override void MultiplyCore(WeightMatrix weights, int firstRow, int rowCount, ReadOnlySpan<float> x, int inputs, Span<float> y, Span<float> scratch) =>
        SimdMatrix<Avx512Dot>.Multiply(weights, firstRow, rowCount, x, inputs, y);
}
