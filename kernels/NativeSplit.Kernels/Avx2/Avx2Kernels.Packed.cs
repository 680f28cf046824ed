namespace NativeSplit.Kernels.Avx2;

/// <content>Products of packed weights.</content>
internal sealed partial class Avx2Kernels
{
    /// <inheritdoc/>
    protected override void QuantizeCore(ReadOnlySpan<float> x, Span<byte> quantized) => Avx2Int8.Quantize(x, quantized);

    /// <inheritdoc/>
    protected override void MultiplyCore(PackedWeights weights, int firstRow, int rowCount, ReadOnlySpan<byte> x, int inputs, Span<float> y) =>
        Avx2Packed.Multiply(weights, firstRow, rowCount, x, inputs, y);
}
