using NativeSplit.Kernels.Avx2;
using NativeSplit.Kernels.Formats;
using NativeSplit.Kernels.Packing;
using NativeSplit.Kernels.Scalar;

namespace NativeSplit.Kernels.Avx512;

/// <content>Products of packed weights.</content>
internal sealed partial class Avx512Kernels
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
            case WeightType.Q4_0: PackedProduct.Run<Avx512Tiles<Avx512PackedQ4_0>>(weights, firstRow, rowCount, x, inputs, y); break;
            case WeightType.Q8_0: PackedProduct.Run<Avx512Tiles<Avx512PackedQ8_0>>(weights, firstRow, rowCount, x, inputs, y); break;
            case WeightType.Q4_K: PackedProduct.Run<Avx512Tiles<Avx512PackedQ4_K>>(weights, firstRow, rowCount, x, inputs, y); break;
            case WeightType.Q5_K: PackedProduct.Run<Avx512Tiles<Avx512PackedQ5_K>>(weights, firstRow, rowCount, x, inputs, y); break;
            case WeightType.Q6_K: PackedProduct.Run<Avx512Tiles<Avx512PackedQ6_K>>(weights, firstRow, rowCount, x, inputs, y); break;
            case WeightType.IQ4_NL: PackedProduct.Run<Avx512Tiles<Avx512PackedIQ4_NL>>(weights, firstRow, rowCount, x, inputs, y); break;
            default: throw new ArgumentOutOfRangeException(nameof(weights), weights.Type, "No packed kernel for this weight type.");
        }
    }
}
