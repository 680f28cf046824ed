using NativeSplit.Kernels;
using NativeSplit.Kernels.Threading;
using NativeSplit.Model.Weights;

namespace NativeSplit.Engine.Execution.Cpu;

/// <summary>The matrices of one layer, ready for products. Owns those that are packed.</summary>
internal sealed class LayerOperands : IDisposable
{
    private readonly List<WeightOperand> _all = [];

    private LayerOperands(LayerWeights weights, ActivationPrecision precision, ThreadTeam team)
    {
        try
        {
            Query = Make(weights.Query);
            Key = Make(weights.Key);
            Value = Make(weights.Value);
            AttentionOutput = Make(weights.AttentionOutput);
            Gate = weights.Gate is null ? null : Make(weights.Gate);
            Up = weights.Up is null ? null : Make(weights.Up);
            Down = weights.Down is null ? null : Make(weights.Down);
            Router = weights.Router is null ? null : Add(WeightOperand.Create(weights.Router, ActivationPrecision.Float32, team));
            Experts = new ExpertOperands[weights.Experts.Count];
            for (int expert = 0; expert < Experts.Length; expert++)
            {
                var own = weights.Experts[expert];
                Experts[expert] = new ExpertOperands(Make(own.Gate), Make(own.Up), Make(own.Down));
            }
        }
        catch
        {
            Dispose();
            throw;
        }

        WeightOperand Make(WeightMatrix matrix) => Add(WeightOperand.Create(matrix, precision, team));

        WeightOperand Add(WeightOperand operand)
        {
            _all.Add(operand);
            return operand;
        }
    }

    /// <summary>Shape [heads·headSize, hidden].</summary>
    public WeightOperand Query { get; }

    /// <summary>Shape [kvHeads·headSize, hidden].</summary>
    public WeightOperand Key { get; }

    /// <summary>Shape [kvHeads·headSize, hidden].</summary>
    public WeightOperand Value { get; }

    /// <summary>Shape [hidden, heads·headSize].</summary>
    public WeightOperand AttentionOutput { get; }

    /// <summary>Shape [feedForward, hidden]; null without a gate, and with experts.</summary>
    public WeightOperand? Gate { get; }

    /// <summary>Shape [feedForward, hidden]; null with experts.</summary>
    public WeightOperand? Up { get; }

    /// <summary>Shape [hidden, feedForward]; null with experts.</summary>
    public WeightOperand? Down { get; }

    /// <summary>Shape [experts, hidden], never rounded: a small difference would choose another expert. Null without experts.</summary>
    public WeightOperand? Router { get; }

    /// <summary>The experts; empty for a dense layer.</summary>
    public ExpertOperands[] Experts { get; }

    /// <summary>True when at least one matrix is packed.</summary>
    public bool AnyPacked => _all.Exists(operand => operand.IsPacked);

    /// <summary>Makes the layers of a range ready. Matrices that get packed are released from the weights, layer by layer.</summary>
    /// <param name="weights">The layers.</param>
    /// <param name="precision">Precision of activations.</param>
    /// <param name="team">Threads to pack with.</param>
    public static LayerOperands[] CreateAll(ModelWeights weights, ActivationPrecision precision, ThreadTeam team)
    {
        var layers = new List<LayerOperands>();
        try
        {
            foreach (var layer in weights.Layers)
            {
                layers.Add(new LayerOperands(layer, precision, team));
                foreach (var matrix in layer.Matrices)
                {
                    if (!ReferenceEquals(matrix, layer.Router) && WeightOperand.WillPack(matrix, precision))
                    {
                        weights.Release(matrix);
                    }
                }
            }

            return [.. layers];
        }
        catch
        {
            layers.ForEach(layer => layer.Dispose());
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _all.ForEach(operand => operand.Dispose());
}

/// <summary>The matrices of one expert.</summary>
/// <param name="Gate">Shape [feedForward, hidden].</param>
/// <param name="Up">Shape [feedForward, hidden].</param>
/// <param name="Down">Shape [hidden, feedForward].</param>
internal sealed record ExpertOperands(WeightOperand Gate, WeightOperand Up, WeightOperand Down);
