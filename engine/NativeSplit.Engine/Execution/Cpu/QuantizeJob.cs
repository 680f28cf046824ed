using NativeSplit.Kernels;
using NativeSplit.Kernels.Threading;

namespace NativeSplit.Engine.Execution.Cpu;

/// <summary>Quantises whole rows, shared out, for packed matrices.</summary>
internal sealed class QuantizeJob(KernelSet kernels, ThreadTeam team) : ITeamJob
{
    private InputRows _x = null!;
    private int _rows;

    /// <summary>Runs it; does nothing when no packed matrix takes these rows.</summary>
    /// <param name="x">The rows.</param>
    /// <param name="rows">Number of rows.</param>
    public void Run(InputRows x, int rows)
    {
        (_x, _rows) = (x, rows);
        if (rows == 1 || !x.IsQuantized)
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
        var share = WorkSplit.Of(_rows, 1, part, parts);
        for (int row = share.Start; row < share.End; row++)
        {
            _x.Quantize(kernels, row, 0, _x.Columns);
        }
    }
}
