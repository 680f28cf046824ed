namespace NativeSplit.Kernels;

/// <content>Products of packed weights and quantised activations.</content>
public abstract partial class KernelSet
{
    /// <summary>Quantises activations to signed bytes, each block of 32 columns with a scale of its own: <c>q[i] = round(x[i]·127 / max|x|)</c>.</summary>
    /// <param name="x">Shape [columns], a multiple of 32: a row, rows, or some blocks of a row.</param>
    /// <param name="quantized">As <see cref="Int8Rows"/> lays out so many columns. May not overlap <paramref name="x"/>.</param>
    /// <exception cref="ArgumentException">A length doesn't fit.</exception>
    /// <remarks>
    /// Rounds half to even. A block with a NaN or an infinity gets the scale NaN, so every product with it is NaN. A block
    /// whose magnitudes are all below 2⁻¹²⁰ becomes zero. All sets give the same bytes.
    /// </remarks>
    public void Quantize(ReadOnlySpan<float> x, Span<byte> quantized)
    {
        RequireLength(quantized.Length, Int8Rows.RowBytes(x.Length), nameof(quantized));
        QuantizeCore(x, quantized);
    }

    /// <summary>Multiplies rows of a packed matrix with quantised rows of input: <c>y[t, r] = Σ_c W[r, c]·x[t, c]</c> for <c>r</c> in [firstRow, firstRow + rowCount).</summary>
    /// <param name="weights">Matrix [rows, columns].</param>
    /// <param name="firstRow">First row of the part to compute; a multiple of <see cref="PackedWeights.RowGranularity"/>.</param>
    /// <param name="rowCount">Rows of the part; the part ends at a multiple of the granularity, or at the end of the matrix.</param>
    /// <param name="x">Rows as <see cref="Quantize"/> writes them. Shape [inputs, columns].</param>
    /// <param name="inputs">Rows of <paramref name="x"/>.</param>
    /// <param name="y">Shape [inputs, rows of the matrix]; only the part's columns are written.</param>
    /// <exception cref="ArgumentException">A length or the part doesn't fit.</exception>
    /// <exception cref="ObjectDisposedException">The weights were disposed.</exception>
    /// <remarks>
    /// Exact in integers within a block of 32 columns, one float32 sum over the blocks, in one order for all sets and all
    /// batches: <c>sum = fma(n, fl(d·dx), sum)</c> with <c>n = Σ scale·(q − zero)·qx</c>, then, for weights with a minimum,
    /// <c>sum = fma(fl(dmin·minimum), −dx·Σqx, sum)</c>; blocks ascending. So all sets give the same bits.
    /// </remarks>
    public void Multiply(PackedWeights weights, int firstRow, int rowCount, ReadOnlySpan<byte> x, int inputs, Span<float> y)
    {
        ArgumentNullException.ThrowIfNull(weights);
        ArgumentOutOfRangeException.ThrowIfNegative(firstRow);
        ArgumentOutOfRangeException.ThrowIfNegative(rowCount);
        ArgumentOutOfRangeException.ThrowIfNegative(inputs);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(firstRow, weights.Rows - rowCount);
        int end = firstRow + rowCount;
        if (firstRow % PackedWeights.RowGranularity != 0 || (end % PackedWeights.RowGranularity != 0 && end != weights.Rows))
        {
            throw new ArgumentException(
                $"Rows {firstRow} to {end} of {weights.Rows} don't start and end at a multiple of {PackedWeights.RowGranularity}.", nameof(firstRow));
        }

        RequireLength(x.Length, checked(inputs * Int8Rows.RowBytes(weights.Columns)), nameof(x));
        RequireLength(y.Length, checked(inputs * weights.Rows), nameof(y));
        weights.BeginRead();
        try
        {
            if (rowCount != 0 && inputs != 0)
            {
                MultiplyCore(weights, firstRow, rowCount, x, inputs, y);
            }
        }
        finally
        {
            weights.EndRead();
        }
    }

    /// <summary>As <see cref="Quantize"/>, arguments checked.</summary>
    protected abstract void QuantizeCore(ReadOnlySpan<float> x, Span<byte> quantized);

    /// <summary>As <see cref="Multiply(PackedWeights, int, int, ReadOnlySpan{byte}, int, Span{float})"/>, arguments checked, something to do.</summary>
    protected abstract void MultiplyCore(PackedWeights weights, int firstRow, int rowCount, ReadOnlySpan<byte> x, int inputs, Span<float> y);
}
