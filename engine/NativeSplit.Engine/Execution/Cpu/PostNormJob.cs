using NativeSplit.Kernels;
using NativeSplit.Kernels.Memory;
using NativeSplit.Kernels.Threading;

namespace NativeSplit.Engine.Execution.Cpu;

/// <summary>Root-mean-square norm of what a block adds, then the sum: <c>x = norm(x); sum += x</c>. Whole rows are shared out.</summary>
internal sealed class PostNormJob(KernelSet kernels, ThreadTeam team, float epsilon) : ITeamJob
{
    private NativeBuffer<float> _x = null!;
    private NativeBuffer<float> _sum = null!;
    private ReadOnlyMemory<float> _gain;
    private int _rows;

    /// <summary>Runs it.</summary>
    /// <param name="x">Shape [rows, n], normed in place.</param>
    /// <param name="gain">Shape [n].</param>
    /// <param name="rows">Rows.</param>
    /// <param name="sum">Shape [rows, n], added to in place.</param>
    public void Run(NativeBuffer<float> x, ReadOnlyMemory<float> gain, int rows, NativeBuffer<float> sum)
    {
        (_x, _gain, _rows, _sum) = (x, gain, rows, sum);
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
            var x = _x.Span.Slice(row * gain.Length, gain.Length);
            kernels.RmsNorm(x, gain, epsilon, x);
            kernels.Add(x, _sum.Span.Slice(row * gain.Length, gain.Length));
        }
    }
}
