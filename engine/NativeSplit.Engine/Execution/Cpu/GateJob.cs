using NativeSplit.Kernels;
using NativeSplit.Kernels.Threading;
using NativeSplit.Model;

namespace NativeSplit.Engine.Execution.Cpu;

/// <summary>First half of the feed-forward block: <c>gate = Act(G·x)·(U·x)</c>, or <c>Act(U·x + b)</c> without a gate, quantised where a packed matrix takes it; its output columns are shared out.</summary>
internal sealed class GateJob(KernelSet kernels, ThreadTeam team, Activations activations, ActivationKind activation) : ITeamJob
{
    private InputRows _x = null!;
    private WeightOperand? _gateWeights;
    private WeightOperand _upWeights = null!;
    private ReadOnlyMemory<float> _upBias;
    private int _rows;

    /// <summary>Applies an activation to columns of the gate, and multiplies by the up-projection.</summary>
    /// <param name="kernels">Operations.</param>
    /// <param name="activation">A gated one.</param>
    /// <param name="gate">Shape [n], in place.</param>
    /// <param name="up">Shape [n].</param>
    public static void Activate(KernelSet kernels, ActivationKind activation, Span<float> gate, ReadOnlySpan<float> up)
    {
        if (activation == ActivationKind.GeluGated)
        {
            kernels.GeluMultiply(gate, up, gate);
        }
        else
        {
            kernels.SiluMultiply(gate, up, gate);
        }
    }

    /// <summary>Runs it; the result is in <see cref="Activations.Gate"/>.</summary>
    /// <param name="x">Shape [rows, hidden].</param>
    /// <param name="rows">Rows.</param>
    /// <param name="gate">Shape [feedForward, hidden]; null when the activation isn't gated.</param>
    /// <param name="up">Shape [feedForward, hidden].</param>
    /// <param name="upBias">Shape [feedForward], or empty.</param>
    public void Run(InputRows x, int rows, WeightOperand? gate, WeightOperand up, ReadOnlyMemory<float> upBias)
    {
        (_x, _rows, _gateWeights, _upWeights, _upBias) = (x, rows, gate, up, upBias);
        team.Run(this);
    }

    /// <inheritdoc/>
    public void Execute(int part, int parts)
    {
        int width = _upWeights.Rows;
        var share = WorkSplit.Of(width, ProjectJob.ColumnGranularity, part, parts);
        if (share.IsEmpty)
        {
            return;
        }

        var gate = activations.Gate.Rows(_rows);
        var up = activations.Up.Span[..(_rows * width)];
        _gateWeights?.Multiply(kernels, share, _x, _rows, gate, activations.Scratch(part));
        _upWeights.Multiply(kernels, share, _x, _rows, up, activations.Scratch(part));
        for (int row = 0; row < _rows; row++)
        {
            var gated = gate.Slice((row * width) + share.Start, share.Count);
            var upper = up.Slice((row * width) + share.Start, share.Count);
            if (!_upBias.IsEmpty)
            {
                kernels.Add(_upBias.Span.Slice(share.Start, share.Count), upper);
            }

            if (_gateWeights is null)
            {
                kernels.Gelu(upper, gated);
            }
            else
            {
                Activate(kernels, activation, gated, upper);
            }

            activations.Gate.Quantize(kernels, row, share.Start, share.Count);
        }
    }
}
