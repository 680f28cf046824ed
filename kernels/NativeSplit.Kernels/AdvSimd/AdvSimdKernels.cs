using NativeSplit.Kernels.Simd;
using ArmAdvSimd = System.Runtime.Intrinsics.Arm.AdvSimd;

namespace NativeSplit.Kernels.AdvSimd;

/// <summary>Kernels for Arm64 processors, with the dot products of bytes (SDOT) where there are.</summary>
/// <remarks>
/// Written on 128-bit vectors, which .NET has everywhere; instructions that only Arm has stand beside a portable expression of
/// the same result. So the set is correct, though not fast, on any processor. Equal to the AVX2 set bit for bit.
/// </remarks>
internal sealed partial class AdvSimdKernels : KernelSet
{
    /// <inheritdoc/>
    public override string Name => "advsimd";

    /// <inheritdoc/>
    public override bool IsSupported => ArmAdvSimd.Arm64.IsSupported;

    /// <inheritdoc/>
    protected override void DequantizeRowCore(WeightMatrix weights, int row, Span<float> destination) =>
        SimdMatrix<AdvSimdDot>.Widen(weights, row, destination);

    /// <inheritdoc/>
    protected override void MultiplyCore(WeightMatrix weights, int firstRow, int rowCount, ReadOnlySpan<float> x, int inputs, Span<float> y, Span<float> scratch) =>
        SimdMatrix<AdvSimdDot>.Multiply(weights, firstRow, rowCount, x, inputs, y);
}
