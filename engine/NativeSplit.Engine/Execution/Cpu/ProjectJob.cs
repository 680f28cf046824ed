using NativeSplit.Kernels;
using NativeSplit.Kernels.Memory;
using NativeSplit.Kernels.Threading;

namespace NativeSplit.Engine.Execution.Cpu;

/// <summary>One matrix to apply: <c>output = W·x + bias</c>.</summary>
/// <param name="Weights">Shape [outputs, inputs].</param>
/// <param name="Bias">Shape [outputs], or empty.</param>
/// <param name="Output">Shape [rows, outputs].</param>
internal readonly record struct Projection(WeightOperand Weights, ReadOnlyMemory<float> Bias, NativeBuffer<float> Output);

/// <summary>Applies one or more matrices to the same rows; their output columns are shared out.</summary>
internal sealed class ProjectJob(KernelSet kernels, ThreadTeam team, Activations activations) : ITeamJob
{
    /// <summary>
    /// Output columns are cut at multiples of this: whole vectors of every instruction set, so that an element is always
    /// worked out at the same place in a vector; whole cache lines; whole panels of packed weights; and whole blocks of
    /// quantised activations.
    /// </summary>
    public const int ColumnGranularity = 32;

    private readonly Projection[] _projections = new Projection[3];
    private InputRows _x = null!;
    private NativeBuffer<float>? _sum;
    private int _count;
    private int _rows;

    /// <summary>Applies up to three matrices to the same rows.</summary>
    /// <param name="x">Shape [rows, inputs].</param>
    /// <param name="rows">Rows.</param>
    /// <param name="projections">Matrices with their outputs.</param>
    public void Run(InputRows x, int rows, params ReadOnlySpan<Projection> projections)
    {
        (_x, _rows, _count, _sum) = (x, rows, projections.Length, null);
        projections.CopyTo(_projections);
        team.Run(this);
    }

    /// <summary>Applies a matrix and adds the result to a sum: <c>output = W·x + bias; sum += output</c>.</summary>
    /// <param name="x">Shape [rows, inputs].</param>
    /// <param name="rows">Rows.</param>
    /// <param name="projection">The matrix.</param>
    /// <param name="sum">Shape [rows, outputs], added to in place.</param>
    public void RunAndAdd(InputRows x, int rows, Projection projection, NativeBuffer<float> sum)
    {
        (_x, _rows, _count, _sum) = (x, rows, 1, sum);
        _projections[0] = projection;
        team.Run(this);
    }

    /// <inheritdoc/>
    public void Execute(int part, int parts)
    {
        for (int i = 0; i < _count; i++)
        {
            Project(_projections[i], part, parts);
        }
    }

    private void Project(in Projection projection, int part, int parts)
    {
        int outputs = projection.Weights.Rows;
        var share = WorkSplit.Of(outputs, ColumnGranularity, part, parts);
        if (share.IsEmpty)
        {
            return;
        }

        var y = projection.Output.Span[..(_rows * outputs)];
        projection.Weights.Multiply(kernels, share, _x, _rows, y, activations.Scratch(part));
        for (int row = 0; row < _rows; row++)
        {
            int start = (row * outputs) + share.Start;
            if (!projection.Bias.IsEmpty)
            {
                kernels.Add(projection.Bias.Span.Slice(share.Start, share.Count), y.Slice(start, share.Count));
            }

            if (_sum is not null)
            {
                kernels.Add(y.Slice(start, share.Count), _sum.Span.Slice(start, share.Count));
            }
        }
    }
}
