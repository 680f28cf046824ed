using NativeSplit.Engine.Execution;
using NativeSplit.Engine.Execution.Cpu;
using NativeSplit.Kernels;
using NativeSplit.Kernels.Memory;
using NativeSplit.Kernels.Threading;
using NativeSplit.Model;
using NativeSplit.Model.Weights;

namespace NativeSplit.Engine.Ends;

/// <summary>The trusted end that turns hidden rows into logits: final norm, then the LM head, with the vocabulary shared out over the team.</summary>
/// <remarks>Borrows weights, kernels and team; owns its buffers, and with int8 activations a packed copy of the output matrix, which stays mapped for the embedding that may share it. Not thread-safe, and nobody else may use the team during a call. Allocates nothing per call.</remarks>
public sealed class LanguageHead : IDisposable
{
    private readonly HeadWeights _weights;
    private readonly KernelSet _kernels;
    private readonly ThreadTeam _team;
    private readonly float _epsilon;
    private readonly float _softCap;
    private readonly int _maxRows;
    private readonly WeightOperand _output;
    private readonly InputRows _normed;              // [maxRows, hidden]
    private readonly NativeBuffer<float> _scratch;   // [threads, hidden], a cache line apart
    private readonly LogitsJob _job;

    /// <summary>Makes the head.</summary>
    /// <param name="shape">Shape of the model.</param>
    /// <param name="weights">Final norm and output matrix; lent, must outlive it.</param>
    /// <param name="kernels">Operations; lent.</param>
    /// <param name="team">Threads; lent.</param>
    /// <param name="maxRows">Rows computed at once; more are computed in pieces, with the same bits.</param>
    /// <param name="precision">In what form activations meet quantised weights.</param>
    /// <exception cref="ArgumentException">The weights don't have the model's shapes.</exception>
    /// <exception cref="KernelException">The system hasn't the memory for the packed weights.</exception>
    public LanguageHead(ModelShape shape, HeadWeights weights, KernelSet kernels, ThreadTeam team, int maxRows = 16, ActivationPrecision precision = ActivationPrecision.Int8)
    {
        ArgumentNullException.ThrowIfNull(shape);
        ArgumentNullException.ThrowIfNull(weights);
        ArgumentNullException.ThrowIfNull(kernels);
        ArgumentNullException.ThrowIfNull(team);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maxRows);
        if (weights.Norm.Length != shape.HiddenSize || weights.NormBias.Length != (shape.Norm == NormKind.Layer ? shape.HiddenSize : 0) || weights.Output.Columns != shape.HiddenSize || weights.Output.Rows != shape.VocabularySize)
        {
            throw new ArgumentException(
                $"A head [{weights.Output.Rows}, {weights.Output.Columns}] with a norm of {weights.Norm.Length} and a bias of {weights.NormBias.Length} doesn't fit a model of width " +
                $"{shape.HiddenSize} and {shape.VocabularySize} tokens.",
                nameof(weights));
        }

        _weights = weights;
        _kernels = kernels;
        _team = team;
        _epsilon = shape.NormEpsilon;
        _softCap = shape.LogitSoftCap;
        _maxRows = maxRows;
        _output = WeightOperand.Create(weights.Output, precision, team);
        if (_output.IsPacked)
        {
            weights.Output.Discard();
        }

        _normed = new InputRows(maxRows, HiddenSize, _output.IsPacked);
        _scratch = new NativeBuffer<float>(checked(team.Size * ScratchStride));
        _job = new LogitsJob(this);
    }

    /// <summary>Tokens in the vocabulary.</summary>
    public int VocabularySize => _weights.Output.Rows;

    /// <summary>Width of a hidden row.</summary>
    public int HiddenSize => _weights.Output.Columns;

    private int ScratchStride => (HiddenSize + 15) & ~15;

    /// <summary>Computes the logits of chosen rows.</summary>
    /// <param name="hidden">Output of the last layer. Shape [rows, hidden].</param>
    /// <param name="rows">Indexes of the rows wanted, in any order.</param>
    /// <param name="logits">Shape [rows wanted, vocabulary].</param>
    /// <exception cref="ArgumentException">A length doesn't fit, or a row isn't there. Nothing is written.</exception>
    public void ComputeLogits(ReadOnlySpan<float> hidden, ReadOnlySpan<int> rows, Memory<float> logits)
    {
        if (hidden.Length % HiddenSize != 0 || logits.Length != (long)rows.Length * VocabularySize)
        {
            throw new ArgumentException(
                $"{rows.Length} rows of {VocabularySize} logits from {hidden.Length} elements in rows of {HiddenSize} don't fit {logits.Length} elements.",
                nameof(logits));
        }

        int available = hidden.Length / HiddenSize;
        foreach (int row in rows)
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)row, (uint)available, nameof(rows));
        }

        for (int first = 0; first < rows.Length; first += _maxRows)
        {
            int count = Math.Min(_maxRows, rows.Length - first);
            for (int i = 0; i < count; i++)
            {
                var x = hidden.Slice(rows[first + i] * HiddenSize, HiddenSize);
                NormJob.Norm(_kernels, x, _weights.Norm.Span, _weights.NormBias.Span, _epsilon, _normed.Row(i));
                _normed.Quantize(_kernels, i, 0, HiddenSize);
            }

            _job.Run(count, logits.Slice(first * VocabularySize, count * VocabularySize));
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _output.Dispose();
        _normed.Dispose();
        _scratch.Dispose();
    }

    private sealed class LogitsJob(LanguageHead head) : ITeamJob
    {
        private Memory<float> _logits;
        private int _rows;

        public void Run(int rows, Memory<float> logits)
        {
            (_rows, _logits) = (rows, logits);
            head._team.Run(this);
            _logits = default;
        }

        public void Execute(int part, int parts)
        {
            var share = WorkSplit.Of(head.VocabularySize, ProjectJob.ColumnGranularity, part, parts);
            if (share.IsEmpty)
            {
                return;
            }

            var scratch = head._scratch.Span.Slice(part * head.ScratchStride, head.ScratchStride);
            head._output.Multiply(head._kernels, share, head._normed, _rows, _logits.Span, scratch);
            for (int row = 0; row < _rows && head._softCap > 0; row++)
            {
                head._kernels.SoftCap(head._softCap, _logits.Span.Slice((row * head.VocabularySize) + share.Start, share.Count));
            }
        }
    }
}
