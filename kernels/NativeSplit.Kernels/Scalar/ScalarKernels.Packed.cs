namespace NativeSplit.Kernels.Scalar;

/// <content>Products of packed weights.</content>
internal sealed partial class ScalarKernels
{
    /// <inheritdoc/>
    protected override void QuantizeCore(ReadOnlySpan<float> x, Span<byte> quantized) => ScalarInt8.Quantize(x, quantized);

    /// <inheritdoc/>
    protected override unsafe void MultiplyCore(PackedWeights weights, int firstRow, int rowCount, ReadOnlySpan<byte> x, int inputs, Span<float> y)
    {
        int rowBytes = Int8Rows.RowBytes(weights.Columns);
        for (int row = firstRow; row < firstRow + rowCount; row++)
        {
            var panel = new ReadOnlySpan<byte>(weights.PanelOf(row), (int)weights.PanelBytes);
            for (int input = 0; input < inputs; input++)
            {
                y[(input * weights.Rows) + row] = ScalarPacked.Dot(weights.Layout, panel, row % PackedWeights.RowGranularity, x.Slice(input * rowBytes, rowBytes));
            }
        }
    }
}
