using NativeSplit.Kernels;
using NativeSplit.Kernels.Memory;
using NativeSplit.Kernels.Threading;
using NativeSplit.Model;

namespace NativeSplit.Engine.Execution.Cpu;

/// <summary>A mixture of experts in place of the feed-forward block: <c>residual += Σ weight·Down(Act(Gate·x)·(Up·x))</c> over a row's experts. Owns its rows.</summary>
/// <remarks>
/// Every expert runs once over all rows that chose it, and one that none chose isn't touched: its weights aren't read. The sum
/// over a row's experts goes by ascending expert. Output columns are shared out, all experts in one pass over the team.
/// </remarks>
internal sealed class ExpertBlock : ITeamJob, IDisposable
{
    private enum Step
    {
        Gather,
        Gate,
        Down,
        Sum,
    }

    private readonly ModelShape _shape;
    private readonly ExpertShape _experts;
    private readonly KernelSet _kernels;
    private readonly ThreadTeam _team;
    private readonly Activations _activations;
    private readonly ProjectJob _router;
    private readonly ExpertRoutes _routes;
    private readonly NativeBuffer<float> _routerOutputs;   // [rows, experts]
    private readonly InputRows _gathered;                  // [slots, hidden]
    private readonly InputRows _gate;                      // [slots, feedForward]
    private readonly NativeBuffer<float> _up;              // [slots, feedForward]
    private readonly NativeBuffer<float> _down;            // [slots, hidden]
    private InputRows _x = null!;
    private LayerOperands _layer = null!;
    private int _rows;
    private Step _step;

    /// <summary>Makes the block.</summary>
    /// <param name="shape">Shape of the model.</param>
    /// <param name="experts">Its experts.</param>
    /// <param name="kernels">Operations.</param>
    /// <param name="team">Threads.</param>
    /// <param name="activations">Residual stream and scratch.</param>
    /// <param name="maxRows">Rows of a batch at most.</param>
    /// <param name="quantized">Whether the inputs of matrices are quantised.</param>
    public ExpertBlock(ModelShape shape, ExpertShape experts, KernelSet kernels, ThreadTeam team, Activations activations, int maxRows, bool quantized)
    {
        (_shape, _experts, _kernels, _team, _activations) = (shape, experts, kernels, team, activations);
        int slots = checked(maxRows * experts.PerToken);
        _router = new ProjectJob(kernels, team, activations);
        _routes = new ExpertRoutes(experts, maxRows);
        _routerOutputs = new NativeBuffer<float>(checked(maxRows * experts.Count));
        _gathered = new InputRows(slots, shape.HiddenSize, quantized);
        _gate = new InputRows(slots, experts.FeedForwardSize, quantized);
        _up = new NativeBuffer<float>(checked(slots * experts.FeedForwardSize));
        _down = new NativeBuffer<float>(checked(slots * shape.HiddenSize));
    }

    /// <summary>Runs it; the result is added to <see cref="Activations.Residual"/>.</summary>
    /// <param name="x">Shape [rows, hidden].</param>
    /// <param name="rows">Rows.</param>
    /// <param name="layer">The layer's matrices.</param>
    public void Run(InputRows x, int rows, LayerOperands layer)
    {
        (_x, _rows, _layer) = (x, rows, layer);
        _router.Run(x, rows, new Projection(layer.Router!, default, _routerOutputs));
        _routes.Route(_routerOutputs.Span[..(rows * _experts.Count)], rows);
        if (rows > 1)
        {
            Run(Step.Gather);
        }

        Run(Step.Gate);
        Run(Step.Down);
        Run(Step.Sum);
    }

    /// <inheritdoc/>
    public void Execute(int part, int parts)
    {
        switch (_step)
        {
            case Step.Gather:
                Gather(WorkSplit.Of(_rows * _experts.PerToken, 1, part, parts));
                break;
            case Step.Gate:
                RunGates(WorkSplit.Of(_experts.FeedForwardSize, ProjectJob.ColumnGranularity, part, parts), _activations.Scratch(part));
                break;
            case Step.Down:
                RunDowns(WorkSplit.Of(_shape.HiddenSize, ProjectJob.ColumnGranularity, part, parts), _activations.Scratch(part));
                break;
            default:
                Sum(WorkSplit.Of(_rows, 1, part, parts));
                break;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _routerOutputs.Dispose();
        _gathered.Dispose();
        _gate.Dispose();
        _up.Dispose();
        _down.Dispose();
    }

    private void Run(Step step)
    {
        _step = step;
        _team.Run(this);
    }

    private void Gather(WorkRange slots)
    {
        for (int slot = slots.Start; slot < slots.End; slot++)
        {
            _x.Row(_routes.RowOf(slot)).CopyTo(_gathered.Row(slot));
            _gathered.Quantize(_kernels, slot, 0, _shape.HiddenSize);
        }
    }

    private void RunGates(WorkRange columns, Span<float> scratch)
    {
        int width = _experts.FeedForwardSize;
        for (int expert = 0; expert < _experts.Count && !columns.IsEmpty; expert++)
        {
            var (start, end) = _routes.SlotsOf(expert);
            int count = end - start;
            if (count == 0)
            {
                continue;
            }

            // A single row is its own input at every expert.
            var x = _rows == 1 ? _x : _gathered;
            int first = _rows == 1 ? 0 : start;
            var gate = _gate.Rows(start, count);
            var up = _up.Span.Slice(start * width, count * width);
            var matrices = _layer.Experts[expert];
            matrices.Gate.Multiply(_kernels, columns, x, first, count, gate, scratch);
            matrices.Up.Multiply(_kernels, columns, x, first, count, up, scratch);
            for (int i = 0; i < count; i++)
            {
                int at = (i * width) + columns.Start;
                GateJob.Activate(_kernels, _shape.Activation, gate.Slice(at, columns.Count), up.Slice(at, columns.Count));
                _gate.Quantize(_kernels, start + i, columns.Start, columns.Count);
            }
        }
    }

    private void RunDowns(WorkRange columns, Span<float> scratch)
    {
        for (int expert = 0; expert < _experts.Count && !columns.IsEmpty; expert++)
        {
            var (start, end) = _routes.SlotsOf(expert);
            if (start < end)
            {
                var down = _down.Span.Slice(start * _shape.HiddenSize, (end - start) * _shape.HiddenSize);
                _layer.Experts[expert].Down.Multiply(_kernels, columns, _gate, start, end - start, down, scratch);
            }
        }
    }

    private void Sum(WorkRange rows)
    {
        for (int row = rows.Start; row < rows.End; row++)
        {
            var sum = _activations.Delta.Span.Slice(row * _shape.HiddenSize, _shape.HiddenSize);
            var slots = _routes.SlotsOfRow(row);
            var weights = _routes.WeightsOfRow(row);
            sum.Clear();
            for (int i = 0; i < slots.Length; i++)
            {
                _kernels.MultiplyAdd(weights[i], _down.Span.Slice(slots[i] * _shape.HiddenSize, _shape.HiddenSize), sum);
            }

            _kernels.Add(sum, _activations.Residual.Span.Slice(row * _shape.HiddenSize, _shape.HiddenSize));
        }
    }
}
