namespace NativeSplit.Kernels.Scalar;

/// <content>Products of packed weights.</content>
internal sealed partial class ScalarKernels
{
    /// <inheritdoc/>
    protected override void QuantizeCore(ReadOnlySpan<float> x, Span<byte> quantized) => ScalarInt8.Quantize(x, quantized);

    /// <inheritdoc/>
    protected override void MultiplyCore(PackedWeights weights, int firstRow, int rowCount, ReadOnlySpan<byte> x, int inputs, Span<float> y) =>
        ScalarPacked.Multiply(weights, firstRow, rowCount, x, inputs, y);
}
