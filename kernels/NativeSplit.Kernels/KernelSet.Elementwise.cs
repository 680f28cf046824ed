namespace NativeSplit.Kernels;

/// <content>Operations on single rows that only some architectures need.</content>
public abstract partial class KernelSet
{
    /// <summary>Layer norm: <c>y[i] = (x[i] − mean(x))·gain[i] / sqrt(mean((x − mean)²) + epsilon) + bias[i]</c>.</summary>
    /// <param name="x">Shape [n].</param>
    /// <param name="gain">Shape [n].</param>
    /// <param name="bias">Shape [n].</param>
    /// <param name="epsilon">Added to the variance.</param>
    /// <param name="y">Shape [n]. May be <paramref name="x"/> itself; may not partly overlap it, nor the others.</param>
    /// <remarks>
    /// Ba, Kiros and Hinton 2016, eq. 4. Two passes, float32, sums in the order of <see cref="RmsNorm"/>: all sets give the
    /// same bits.
    /// </remarks>
    public void LayerNorm(ReadOnlySpan<float> x, ReadOnlySpan<float> gain, ReadOnlySpan<float> bias, float epsilon, Span<float> y)
    {
        RequireLength(gain.Length, x.Length, nameof(gain));
        RequireLength(bias.Length, x.Length, nameof(bias));
        RequireLength(y.Length, x.Length, nameof(y));
        RequireSameOrApart(x, y, nameof(y));
        RequireApart(gain, y, nameof(y));
        RequireApart(bias, y, nameof(y));
        LayerNormCore(x, gain, bias, epsilon, y);
    }

    /// <summary>GELU in its tanh form: <c>y[i] = x[i]/2·(1 + tanh(√(2/π)·(x[i] + 0.044715·x[i]³)))</c>.</summary>
    /// <param name="x">Shape [n].</param>
    /// <param name="y">Shape [n]. May be <paramref name="x"/> itself; may not partly overlap it.</param>
    /// <remarks>Hendrycks and Gimpel 2016, section 2; taken as <c>x / (1 + exp(−2u))</c>, which is the same.</remarks>
    public void Gelu(ReadOnlySpan<float> x, Span<float> y)
    {
        RequireLength(y.Length, x.Length, nameof(y));
        RequireSameOrApart(x, y, nameof(y));
        GeluCore(x, y);
    }

    /// <summary>Gated linear unit with <see cref="Gelu"/>: <c>y[i] = Gelu(gate[i])·up[i]</c>.</summary>
    /// <param name="gate">Shape [n].</param>
    /// <param name="up">Shape [n].</param>
    /// <param name="y">Shape [n]. May be <paramref name="gate"/> or <paramref name="up"/> itself; may not partly overlap them.</param>
    /// <remarks>Shazeer 2020 (GEGLU).</remarks>
    public void GeluMultiply(ReadOnlySpan<float> gate, ReadOnlySpan<float> up, Span<float> y)
    {
        RequireLength(up.Length, gate.Length, nameof(up));
        RequireLength(y.Length, gate.Length, nameof(y));
        RequireSameOrApart(gate, y, nameof(y));
        RequireSameOrApart(up, y, nameof(y));
        GeluMultiplyCore(gate, up, y);
    }

    /// <summary>Soft cap: <c>y[i] = cap·tanh(y[i]/cap)</c>.</summary>
    /// <param name="cap">Bound of the results; above 0.</param>
    /// <param name="y">Shape [n], in place.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="cap"/> isn't above 0.</exception>
    /// <remarks>Gemma Team 2024, section 2.</remarks>
    public void SoftCap(float cap, Span<float> y)
    {
        if (!(cap > 0))
        {
            throw new ArgumentOutOfRangeException(nameof(cap), cap, "A soft cap is above 0.");
        }

        SoftCapCore(cap, y);
    }

    /// <summary><c>y[i] *= factor</c>.</summary>
    /// <param name="factor">The factor.</param>
    /// <param name="y">Shape [n], in place.</param>
    public void Scale(float factor, Span<float> y) => ScaleCore(factor, y);

    /// <summary><c>y[i] = fma(factor, x[i], y[i])</c>.</summary>
    /// <param name="factor">The factor.</param>
    /// <param name="x">Shape [n].</param>
    /// <param name="y">Shape [n]. May be <paramref name="x"/> itself; may not partly overlap it.</param>
    public void MultiplyAdd(float factor, ReadOnlySpan<float> x, Span<float> y)
    {
        RequireLength(y.Length, x.Length, nameof(y));
        RequireSameOrApart(x, y, nameof(y));
        MultiplyAddCore(factor, x, y);
    }

    /// <summary>As <see cref="LayerNorm"/>, arguments checked.</summary>
    protected abstract void LayerNormCore(ReadOnlySpan<float> x, ReadOnlySpan<float> gain, ReadOnlySpan<float> bias, float epsilon, Span<float> y);

    /// <summary>As <see cref="Gelu"/>, arguments checked.</summary>
    protected abstract void GeluCore(ReadOnlySpan<float> x, Span<float> y);

    /// <summary>As <see cref="GeluMultiply"/>, arguments checked.</summary>
    protected abstract void GeluMultiplyCore(ReadOnlySpan<float> gate, ReadOnlySpan<float> up, Span<float> y);

    /// <summary>As <see cref="SoftCap"/>, arguments checked.</summary>
    protected abstract void SoftCapCore(float cap, Span<float> y);

    /// <summary>As <see cref="MultiplyAdd"/>, arguments checked.</summary>
    protected abstract void MultiplyAddCore(float factor, ReadOnlySpan<float> x, Span<float> y);
}
