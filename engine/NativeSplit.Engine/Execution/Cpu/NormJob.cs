using NativeSplit.Kernels;
using NativeSplit.Kernels.Memory;
using NativeSplit.Kernels.Threading;

namespace NativeSplit.Engine.Execution.Cpu;

/// <summary>The model's norm of every row, quantised where packed matrices take it; whole rows are shared out.</summary>
internal sealed class NormJob(KernelSet kernels, ThreadTeam team, float epsilon) : ITeamJob
{
    private NativeBuffer<float> _x = null!;
    private InputRows _y = null!;
    private ReadOnlyMemory<float> _gain;
    private ReadOnlyMemory<float> _bias;
    private int _rows;

    /// <summary>Runs it.</summary>
    /// <param name="x">Shape [rows, n].</param>
    /// <param name="gain">Shape [n].</param>
    /// <param name="bias">Shape [n] for a layer norm, empty for a root-mean-square norm.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="y">Shape [rows, n].</param>
    public void Run(NativeBuffer<float> x, ReadOnlyMemory<float> gain, ReadOnlyMemory<float> bias, int rows, InputRows y)
    {
        (_x, _gain, _bias, _rows, _y) = (x, gain, bias, rows, y);
        if (rows == 1)
        {
            Execute(0, 1);
        }
        else
        {
            team.Run(this);
        }
    }

    /// <inheritdoc/>
    public void Execute(int part, int parts)
    {
        var gain = _gain.Span;
        var share = WorkSplit.Of(_rows, 1, part, parts);
        for (int row = share.Start; row < share.End; row++)
        {
            Norm(kernels, _x.Span.Slice(row * gain.Length, gain.Length), gain, _bias.Span, epsilon, _y.Row(row));
            _y.Quantize(kernels, row, 0, gain.Length);
        }
    }

    /// <summary>Norms one row: a layer norm with a bias, a root-mean-square norm without.</summary>
    public static void Norm(KernelSet kernels, ReadOnlySpan<float> x, ReadOnlySpan<float> gain, ReadOnlySpan<float> bias, float epsilon, Span<float> y)
    {
        if (bias.IsEmpty)
        {
            kernels.RmsNorm(x, gain, epsilon, y);
        }
        else
        {
            kernels.LayerNorm(x, gain, bias, epsilon, y);
        }
    }
}
