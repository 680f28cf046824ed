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
            Gate = Make(weights.Gate);
            Up = Make(weights.Up);
            Down = Make(weights.Down);
        }
        catch
        {
            Dispose();
            throw;
        }

        WeightOperand Make(WeightMatrix matrix)
        {
            var operand = WeightOperand.Create(matrix, precision, team);
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

    /// <summary>Shape [feedForward, hidden].</summary>
    public WeightOperand Gate { get; }

    /// <summary>Shape [feedForward, hidden].</summary>
    public WeightOperand Up { get; }

    /// <summary>Shape [hidden, feedForward].</summary>
    public WeightOperand Down { get; }

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
                foreach (var matrix in (ReadOnlySpan<WeightMatrix>)[layer.Query, layer.Key, layer.Value, layer.AttentionOutput, layer.Gate, layer.Up, layer.Down])
                {
                    if (WeightOperand.WillPack(matrix, precision))
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
