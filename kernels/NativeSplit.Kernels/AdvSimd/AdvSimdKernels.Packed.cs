using NativeSplit.Kernels.Formats;
using NativeSplit.Kernels.Packing;
using NativeSplit.Kernels.Scalar;

namespace NativeSplit.Kernels.AdvSimd;

/// <content>Products of packed weights.</content>
internal sealed partial class AdvSimdKernels
{
    /// <inheritdoc/>
    protected override void QuantizeCore(ReadOnlySpan<float> x, Span<byte> quantized) => AdvSimdInt8.Quantize(x, quantized);

    /// <inheritdoc/>
    protected override void MultiplyCore(PackedWeights weights, int firstRow, int rowCount, ReadOnlySpan<byte> x, int inputs, Span<float> y)
    {
        if (!weights.HasFiniteScales)
        {
            ScalarPacked.Multiply(weights, firstRow, rowCount, x, inputs, y);
            return;
        }

        switch (weights.Type)
        {
            case WeightType.Q4_0: BlockedProduct.Run<AdvSimdTiles<AdvSimdPackedQ4_0>>(weights, firstRow, rowCount, x, inputs, y); break;
            case WeightType.Q8_0: BlockedProduct.Run<AdvSimdTiles<AdvSimdPackedQ8_0>>(weights, firstRow, rowCount, x, inputs, y); break;
            case WeightType.Q4_K: BlockedProduct.Run<AdvSimdTiles<AdvSimdPackedQ4_K>>(weights, firstRow, rowCount, x, inputs, y); break;
            case WeightType.Q5_K: BlockedProduct.Run<AdvSimdTiles<AdvSimdPackedQ5_K>>(weights, firstRow, rowCount, x, inputs, y); break;
            case WeightType.Q6_K: BlockedProduct.Run<AdvSimdTiles<AdvSimdPackedQ6_K>>(weights, firstRow, rowCount, x, inputs, y); break;
            case WeightType.IQ4_NL: BlockedProduct.Run<AdvSimdTiles<AdvSimdPackedIQ4_NL>>(weights, firstRow, rowCount, x, inputs, y); break;
            default: throw new ArgumentOutOfRangeException(nameof(weights), weights.Type, "No packed kernel for this weight type.");
        }
    }
}
