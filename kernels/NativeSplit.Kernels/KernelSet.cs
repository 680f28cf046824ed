namespace NativeSplit.Kernels;

/// <summary>The operations of a transformer layer for one instruction set. Stateless; one instance serves all threads.</summary>
/// <remarks>
/// The scalar set is the specification. Every set keeps two promises that a split model rests on:
/// a row of a result depends only on its own row of input (never on how many rows share a call, nor on the
/// part of the output a call computes), and equal inputs give equal bits. Base methods check arguments once; the
/// <c>…Core</c> methods trust them. No method allocates.
/// </remarks>
public abstract partial class KernelSet
{
    /// <summary>Name used by <c>NATIVESPLIT_KERNELS</c> and <c>--kernels</c>: <c>scalar</c>, <c>avx2</c>, <c>avx512</c>, <c>advsimd</c>.</summary>
    public abstract string Name { get; }

    /// <summary>True when this processor can run the set.</summary>
    public abstract bool IsSupported { get; }

    /// <summary>Widens one stored row to float32.</summary>
    /// <param name="weights">Matrix [rows, columns].</param>
    /// <param name="row">Row to widen.</param>
    /// <param name="destination">Shape [columns].</param>
    public void DequantizeRow(WeightMatrix weights, int row, Span<float> destination)
    {
        ArgumentNullException.ThrowIfNull(weights);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)row, (uint)weights.Rows, nameof(row));
        RequireLength(destination.Length, weights.Columns, nameof(destination));
        weights.BeginRead();
        try
        {
            DequantizeRowCore(weights, row, destination);
        }
        finally
        {
            weights.EndRead();
        }
    }

    /// <summary>Multiplies rows of a matrix with rows of input: <c>y[t, r] = Σ_c W[r, c]·x[t, c]</c> for <c>r</c> in [firstRow, firstRow + rowCount).</summary>
    /// <param name="weights">Matrix [rows, columns].</param>
    /// <param name="firstRow">First row of the part to compute.</param>
    /// <param name="rowCount">Rows of the part to compute.</param>
    /// <param name="x">Shape [inputs, columns]: one row per token.</param>
    /// <param name="inputs">Rows of <paramref name="x"/>.</param>
    /// <param name="y">Shape [inputs, rows of the matrix]; only the part's columns are written. May not overlap <paramref name="x"/>.</param>
    /// <param name="scratch">At least <c>columns</c> floats for the caller's thread alone; contents undefined afterwards. May overlap neither.</param>
    /// <exception cref="ArgumentException">A length or the part doesn't fit, or spans overlap.</exception>
    /// <exception cref="ObjectDisposedException">The memory of the weights was released.</exception>
    /// <remarks>
    /// Inputs stay float32. Every set sums in one order, so all give the same bits: weight <c>c</c>, widened to float32, is
    /// added by a fused multiply-add to partial sum <c>c mod 32</c>, columns ascending; then the upper half of the partial
    /// sums is added to the lower five times.
    /// </remarks>
    public void Multiply(WeightMatrix weights, int firstRow, int rowCount, ReadOnlySpan<float> x, int inputs, Span<float> y, Span<float> scratch)
    {
        ArgumentNullException.ThrowIfNull(weights);
        ArgumentOutOfRangeException.ThrowIfNegative(firstRow);
        ArgumentOutOfRangeException.ThrowIfNegative(rowCount);
        ArgumentOutOfRangeException.ThrowIfNegative(inputs);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(firstRow, weights.Rows - rowCount);
        RequireLength(x.Length, checked(inputs * weights.Columns), nameof(x));
        RequireLength(y.Length, checked(inputs * weights.Rows), nameof(y));
        ArgumentOutOfRangeException.ThrowIfLessThan(scratch.Length, weights.Columns);
        RequireApart(x, y, nameof(y));
        RequireApart(x, scratch, nameof(scratch));
        RequireApart(y, scratch, nameof(scratch));
        weights.BeginRead();
        try
        {
            MultiplyCore(weights, firstRow, rowCount, x, inputs, y, scratch);
        }
        finally
        {
            weights.EndRead();
        }
    }

    /// <summary>Root-mean-square norm: <c>y[i] = x[i]·gain[i] / sqrt(mean(x²) + epsilon)</c>.</summary>
    /// <param name="x">Shape [n].</param>
    /// <param name="gain">Shape [n].</param>
    /// <param name="epsilon">Added to the mean square.</param>
    /// <param name="y">Shape [n]. May be <paramref name="x"/> itself; may not partly overlap it.</param>
    /// <remarks>Zhang and Sennrich 2019, eq. 4. Sums in float32.</remarks>
    public void RmsNorm(ReadOnlySpan<float> x, ReadOnlySpan<float> gain, float epsilon, Span<float> y)
    {
        RequireLength(gain.Length, x.Length, nameof(gain));
        RequireLength(y.Length, x.Length, nameof(y));
        RequireSameOrApart(x, y, nameof(y));
        RequireApart(gain, y, nameof(y));
        RmsNormCore(x, gain, epsilon, y);
    }

    /// <summary>Rotary embedding of one head, pairs (2i, 2i+1).</summary>
    /// <param name="head">Shape [≥ 2·pairs], rotated in place; the rest is left as it is.</param>
    /// <param name="cosine">Shape [pairs].</param>
    /// <param name="sine">Shape [pairs].</param>
    /// <remarks>Su et al. 2021, eq. 34: <c>(a, b) → (a·cos − b·sin, a·sin + b·cos)</c>.</remarks>
    public void RotateInterleaved(Span<float> head, ReadOnlySpan<float> cosine, ReadOnlySpan<float> sine)
    {
        RequireLength(sine.Length, cosine.Length, nameof(sine));
        ArgumentOutOfRangeException.ThrowIfLessThan(head.Length, 2 * cosine.Length);
        RotateInterleavedCore(head, cosine, sine);
    }

    /// <summary>Rotary embedding of one head, pairs (i, i + pairs).</summary>
    /// <inheritdoc cref="RotateInterleaved"/>
    public void RotateHalves(Span<float> head, ReadOnlySpan<float> cosine, ReadOnlySpan<float> sine)
    {
        RequireLength(sine.Length, cosine.Length, nameof(sine));
        ArgumentOutOfRangeException.ThrowIfLessThan(head.Length, 2 * cosine.Length);
        RotateHalvesCore(head, cosine, sine);
    }

    /// <summary>Gated linear unit with SiLU: <c>y[i] = gate[i] / (1 + exp(−gate[i])) · up[i]</c>.</summary>
    /// <param name="gate">Shape [n].</param>
    /// <param name="up">Shape [n].</param>
    /// <param name="y">Shape [n]. May be <paramref name="gate"/> or <paramref name="up"/> itself; may not partly overlap them.</param>
    /// <remarks>Shazeer 2020 (SwiGLU).</remarks>
    public void SiluMultiply(ReadOnlySpan<float> gate, ReadOnlySpan<float> up, Span<float> y)
    {
        RequireLength(up.Length, gate.Length, nameof(up));
        RequireLength(y.Length, gate.Length, nameof(y));
        RequireSameOrApart(gate, y, nameof(y));
        RequireSameOrApart(up, y, nameof(y));
        SiluMultiplyCore(gate, up, y);
    }

    /// <summary><c>y[i] += x[i]</c>.</summary>
    /// <param name="x">Shape [n].</param>
    /// <param name="y">Shape [n]. May be <paramref name="x"/> itself; may not partly overlap it.</param>
    public void Add(ReadOnlySpan<float> x, Span<float> y)
    {
        RequireLength(y.Length, x.Length, nameof(y));
        RequireSameOrApart(x, y, nameof(y));
        AddCore(x, y);
    }

    /// <summary>As <see cref="DequantizeRow"/>, arguments checked.</summary>
    protected abstract void DequantizeRowCore(WeightMatrix weights, int row, Span<float> destination);

    /// <summary>As <see cref="Multiply(WeightMatrix, int, int, ReadOnlySpan{float}, int, Span{float}, Span{float})"/>, arguments checked.</summary>
    protected abstract void MultiplyCore(WeightMatrix weights, int firstRow, int rowCount, ReadOnlySpan<float> x, int inputs, Span<float> y, Span<float> scratch);

    /// <summary>As <see cref="RmsNorm"/>, arguments checked.</summary>
    protected abstract void RmsNormCore(ReadOnlySpan<float> x, ReadOnlySpan<float> gain, float epsilon, Span<float> y);

    /// <summary>As <see cref="RotateInterleaved"/>, arguments checked.</summary>
    protected abstract void RotateInterleavedCore(Span<float> head, ReadOnlySpan<float> cosine, ReadOnlySpan<float> sine);

    /// <summary>As <see cref="RotateHalves"/>, arguments checked.</summary>
    protected abstract void RotateHalvesCore(Span<float> head, ReadOnlySpan<float> cosine, ReadOnlySpan<float> sine);

    /// <summary>As <see cref="SiluMultiply"/>, arguments checked.</summary>
    protected abstract void SiluMultiplyCore(ReadOnlySpan<float> gate, ReadOnlySpan<float> up, Span<float> y);

    /// <summary>As <see cref="Add"/>, arguments checked.</summary>
    protected abstract void AddCore(ReadOnlySpan<float> x, Span<float> y);

    /// <summary>As <see cref="Scale"/>, arguments checked.</summary>
    protected abstract void ScaleCore(float factor, Span<float> y);

    private static void RequireLength(int actual, int expected, string name)
    {
        if (actual != expected)
        {
            ThrowLength(actual, expected, name);
        }
    }

    private static void RequireApart(ReadOnlySpan<float> source, Span<float> destination, string name)
    {
        if (source.Overlaps(destination))
        {
            ThrowOverlap(name);
        }
    }

    private static void RequireSameOrApart(ReadOnlySpan<float> source, Span<float> destination, string name)
    {
        if (source.Overlaps(destination, out int offset) && offset != 0)
        {
            ThrowOverlap(name);
        }
    }

    private static void ThrowOverlap(string name) =>
        throw new ArgumentException($"{name} overlaps another argument in a way that the operation doesn't allow.", name);

    private static void ThrowLength(int actual, int expected, string name) =>
        throw new ArgumentException($"{name} has {actual} elements, expected {expected}.", name);
}
