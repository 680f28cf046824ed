using NativeSplit.Kernels.Simd;

namespace NativeSplit.Kernels.Scalar;

/// <content>Norm and activations that only some architectures need.</content>
internal sealed partial class ScalarKernels
{
    /// <inheritdoc/>
    protected override void LayerNormCore(ReadOnlySpan<float> x, ReadOnlySpan<float> gain, ReadOnlySpan<float> bias, float epsilon, Span<float> y)
    {
        float mean = ScalarDot.Sum(x) / x.Length;
        for (int i = 0; i < x.Length; i++)
        {
            y[i] = x[i] - mean;
        }

        float inverse = 1f / MathF.Sqrt((ScalarDot.Dot(y, y) / y.Length) + epsilon);
        for (int i = 0; i < x.Length; i++)
        {
            y[i] = MathF.FusedMultiplyAdd(y[i] * inverse, gain[i], bias[i]);
        }
    }

    /// <inheritdoc/>
    protected override void GeluCore(ReadOnlySpan<float> x, Span<float> y)
    {
        for (int i = 0; i < x.Length; i++)
        {
            y[i] = Gelu(x[i]);
        }
    }

    /// <inheritdoc/>
    protected override void GeluMultiplyCore(ReadOnlySpan<float> gate, ReadOnlySpan<float> up, Span<float> y)
    {
        for (int i = 0; i < gate.Length; i++)
        {
            y[i] = Gelu(gate[i]) * up[i];
        }
    }

    /// <inheritdoc/>
    protected override void SoftCapCore(float cap, Span<float> y)
    {
        for (int i = 0; i < y.Length; i++)
        {
            y[i] = cap * MathF.Tanh(y[i] / cap);
        }
    }

    /// <inheritdoc/>
    protected override void MultiplyAddCore(float factor, ReadOnlySpan<float> x, Span<float> y)
    {
        for (int i = 0; i < x.Length; i++)
        {
            y[i] = MathF.FusedMultiplyAdd(factor, x[i], y[i]);
        }
    }

    private static float Gelu(float x) => x / (1f + MathF.Exp(x * MathF.FusedMultiplyAdd(x * x, GeluConstants.Cubic, GeluConstants.Linear)));
}
