using NativeSplit.Kernels;
using NativeSplit.Kernels.Memory;
using NativeSplit.Kernels.Threading;

namespace NativeSplit.Engine.Execution.Cpu;

/// <summary>Root-mean-square norm of every row, quantised where packed matrices take it; whole rows are shared out.</summary>
internal sealed class NormJob(KernelSet kernels, ThreadTeam team, float epsilon) : ITeamJob
{
    private NativeBuffer<float> _x = null!;
    private InputRows _y = null!;
    private ReadOnlyMemory<float> _gain;
    private int _rows;

    /// <summary>Runs it.</summary>
    /// <param name="x">Shape [rows, n].</param>
    /// <param name="gain">Shape [n].</param>
    /// <param name="rows">Rows.</param>
    /// <param name="y">Shape [rows, n].</param>
    public void Run(NativeBuffer<float> x, ReadOnlyMemory<float> gain, int rows, InputRows y)
    {
        (_x, _gain, _rows, _y) = (x, gain, rows, y);
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
            kernels.RmsNorm(_x.Span.Slice(row * gain.Length, gain.Length), gain, epsilon, _y.Row(row));
            _y.Quantize(kernels, row, 0, gain.Length);
        }
    }
}
