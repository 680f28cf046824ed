using NativeSplit.Kernels;
using NativeSplit.Kernels.Threading;

namespace NativeSplit.Engine.Execution.Cpu;

/// <summary>First half of the feed-forward block: <c>gate = SiLU(G·x) · (U·x)</c>, quantised where a packed matrix takes it; its output columns are shared out.</summary>
internal sealed class GateJob(KernelSet kernels, ThreadTeam team, Activations activations) : ITeamJob
{
    private InputRows _x = null!;
    private WeightOperand _gateWeights = null!;
    private WeightOperand _upWeights = null!;
    private int _rows;

    /// <summary>Runs it; the result is in <see cref="Activations.Gate"/>.</summary>
    /// <param name="x">Shape [rows, hidden].</param>
    /// <param name="rows">Rows.</param>
    /// <param name="gate">Shape [feedForward, hidden].</param>
    /// <param name="up">Shape [feedForward, hidden].</param>
    public void Run(InputRows x, int rows, WeightOperand gate, WeightOperand up)
    {
        (_x, _rows, _gateWeights, _upWeights) = (x, rows, gate, up);
        team.Run(this);
    }

    /// <inheritdoc/>
    public void Execute(int part, int parts)
    {
        int width = _gateWeights.Rows;
        var share = WorkSplit.Of(width, ProjectJob.ColumnGranularity, part, parts);
        if (share.IsEmpty)
        {
            return;
        }

        var gate = activations.Gate.Rows(_rows);
        var up = activations.Up.Span[..(_rows * width)];
        _gateWeights.Multiply(kernels, share, _x, _rows, gate, activations.Scratch(part));
        _upWeights.Multiply(kernels, share, _x, _rows, up, activations.Scratch(part));
        for (int row = 0; row < _rows; row++)
        {
            var columns = gate.Slice((row * width) + share.Start, share.Count);
            kernels.SiluMultiply(columns, up.Slice((row * width) + share.Start, share.Count), columns);
            activations.Gate.Quantize(kernels, row, share.Start, share.Count);
        }
    }
}
