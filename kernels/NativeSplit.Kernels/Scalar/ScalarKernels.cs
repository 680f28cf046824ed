namespace NativeSplit.Kernels.Scalar;

/// <summary>The plain set: runs everywhere and is the specification of the others.</summary>
internal sealed partial class ScalarKernels : KernelSet
{
    /// <inheritdoc/>
    public override string Name => "scalar";

    /// <inheritdoc/>
    public override bool IsSupported => true;

    /// <inheritdoc/>
    protected override void DequantizeRowCore(WeightMatrix weights, int row, Span<float> destination) =>
        ScalarWidening.Widen(weights.Format, weights.BorrowRow(row), destination);

    /// <inheritdoc/>
    protected override void MultiplyCore(WeightMatrix weights, int firstRow, int rowCount, ReadOnlySpan<float> x, int inputs, Span<float> y, Span<float> scratch)
    {
        int columns = weights.Columns;
        Span<float> widened = scratch[..columns];
        for (int row = firstRow; row < firstRow + rowCount; row++)
        {
            ScalarWidening.Widen(weights.Format, weights.BorrowRow(row), widened);
            for (int input = 0; input < inputs; input++)
            {
                y[(input * weights.Rows) + row] = ScalarDot.Dot(widened, x.Slice(input * columns, columns));
            }
        }
    }

    /// <inheritdoc/>
    protected override void RmsNormCore(ReadOnlySpan<float> x, ReadOnlySpan<float> gain, float epsilon, Span<float> y)
    {
        float inverse = 1f / MathF.Sqrt((ScalarDot.Dot(x, x) / x.Length) + epsilon);
        for (int i = 0; i < x.Length; i++)
        {
            y[i] = x[i] * inverse * gain[i];
        }
    }

    /// <inheritdoc/>
    protected override void RotateInterleavedCore(Span<float> head, ReadOnlySpan<float> cosine, ReadOnlySpan<float> sine)
    {
        for (int i = 0; i < cosine.Length; i++)
        {
            float a = head[2 * i];
            float b = head[(2 * i) + 1];
            head[2 * i] = (a * cosine[i]) - (b * sine[i]);
            head[(2 * i) + 1] = (a * sine[i]) + (b * cosine[i]);
        }
    }

    /// <inheritdoc/>
    protected override void RotateHalvesCore(Span<float> head, ReadOnlySpan<float> cosine, ReadOnlySpan<float> sine)
    {
        int pairs = cosine.Length;
        for (int i = 0; i < pairs; i++)
        {
            float a = head[i];
            float b = head[i + pairs];
            head[i] = (a * cosine[i]) - (b * sine[i]);
            head[i + pairs] = (a * sine[i]) + (b * cosine[i]);
        }
    }

    /// <inheritdoc/>
    protected override void SiluMultiplyCore(ReadOnlySpan<float> gate, ReadOnlySpan<float> up, Span<float> y)
    {
        for (int i = 0; i < gate.Length; i++)
        {
            y[i] = gate[i] / (1f + MathF.Exp(-gate[i])) * up[i];
        }
    }

    /// <inheritdoc/>
    protected override void AddCore(ReadOnlySpan<float> x, Span<float> y)
    {
        for (int i = 0; i < x.Length; i++)
        {
            y[i] += x[i];
        }
    }

    /// <inheritdoc/>
    protected override void ScaleCore(float factor, Span<float> y)
    {
        for (int i = 0; i < y.Length; i++)
        {
            y[i] *= factor;
        }
    }
}
