using NativeSplit.Kernels;
using NativeSplit.Kernels.Threading;

namespace NativeSplit.Engine.Execution.Cpu;

/// <summary>A matrix in the form that products are taken with: stored, which is borrowed, or packed, which is owned.</summary>
internal sealed class WeightOperand : IDisposable
{
    private readonly WeightMatrix? _stored;
    private readonly PackedWeights? _packed;

    private WeightOperand(WeightMatrix? stored, PackedWeights? packed)
    {
        _stored = stored;
        _packed = packed;
        Rows = stored?.Rows ?? packed!.Rows;
        Columns = stored?.Columns ?? packed!.Columns;
    }

    /// <summary>Outputs.</summary>
    public int Rows { get; }

    /// <summary>Inputs.</summary>
    public int Columns { get; }

    /// <summary>True when the stored matrix isn't needed any more.</summary>
    public bool IsPacked => _packed is not null;

    /// <summary>Packs a matrix if the precision asks for it and its type can be packed.</summary>
    /// <param name="matrix">The matrix; lent, and to outlive this unless it is packed.</param>
    /// <param name="precision">Precision of activations.</param>
    /// <param name="team">Threads to pack with.</param>
    public static WeightOperand Create(WeightMatrix matrix, ActivationPrecision precision, ThreadTeam team) => WillPack(matrix, precision)
        ? new WeightOperand(null, PackedWeights.Pack(matrix, team))
        : new WeightOperand(matrix, null);

    /// <summary>True when <see cref="Create"/> packs.</summary>
    public static bool WillPack(WeightMatrix matrix, ActivationPrecision precision) =>
        precision == ActivationPrecision.Int8 && PackedWeights.Supports(matrix.Type);

    /// <summary>Computes some outputs of the first rows: <c>y[t, r] = Σ_c W[r, c]·x[t, c]</c>.</summary>
    /// <param name="kernels">Operations.</param>
    /// <param name="share">Outputs; starts at a multiple of <see cref="ProjectJob.ColumnGranularity"/>.</param>
    /// <param name="x">Shape [rows, inputs], quantised when this is packed.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="y">Shape [rows, outputs].</param>
    /// <param name="scratch">At least as many floats as there are inputs.</param>
    public void Multiply(KernelSet kernels, WorkRange share, InputRows x, int rows, Span<float> y, Span<float> scratch) =>
        Multiply(kernels, share, x, 0, rows, y, scratch);

    /// <summary>As the other, for rows from <paramref name="firstRow"/> of <paramref name="x"/>.</summary>
    public void Multiply(KernelSet kernels, WorkRange share, InputRows x, int firstRow, int rows, Span<float> y, Span<float> scratch)
    {
        if (_packed is not null)
        {
            kernels.Multiply(_packed, share.Start, share.Count, x.QuantizedRows(firstRow, rows), rows, y);
        }
        else
        {
            kernels.Multiply(_stored!, share.Start, share.Count, x.Rows(firstRow, rows), rows, y, scratch);
        }
    }

    /// <summary>Releases the packed matrix.</summary>
    public void Dispose() => _packed?.Dispose();
}
