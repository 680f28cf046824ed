using NativeSplit.Kernels.Formats;
using NativeSplit.Kernels.Packing;
using NativeSplit.Kernels.Scalar;

namespace NativeSplit.Kernels.Avx2;

/// <content>Products of packed weights.</content>
internal sealed partial class Avx2Kernels
{
    /// <inheritdoc/>
    protected override void QuantizeCore(ReadOnlySpan<float> x, Span<byte> quantized) => Avx2Int8.Quantize(x, quantized);

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
            case WeightType.Q4_0: BlockedProduct.Run<Avx2NibbleTiles<Avx2PackedQ4_0>>(weights, firstRow, rowCount, x, inputs, y); break;
            case WeightType.Q8_0: BlockedProduct.Run<Avx2SignedTiles<Avx2PackedQ8_0>>(weights, firstRow, rowCount, x, inputs, y); break;
            case WeightType.Q4_K: BlockedProduct.Run<Avx2NibbleTiles<Avx2PackedQ4_K>>(weights, firstRow, rowCount, x, inputs, y); break;
            case WeightType.Q5_K: BlockedProduct.Run<Avx2ScaledTiles<Avx2PackedQ5_K>>(weights, firstRow, rowCount, x, inputs, y); break;
            case WeightType.Q6_K: BlockedProduct.Run<Avx2ScaledTiles<Avx2PackedQ6_K>>(weights, firstRow, rowCount, x, inputs, y); break;
            case WeightType.IQ4_NL: BlockedProduct.Run<Avx2SignedTiles<Avx2PackedIQ4_NL>>(weights, firstRow, rowCount, x, inputs, y); break;
            default: throw new ArgumentOutOfRangeException(nameof(weights), weights.Type, "No packed kernel for this weight type.");
        }
    }
}
