using NativeSplit.Kernels;

namespace NativeSplit.Model.Weights;

/// <summary>Weights of the end that turns hidden rows into logits.</summary>
/// <param name="Norm">Gain of the final norm. Shape [hidden].</param>
/// <param name="Output">Shape [vocabulary, hidden]; the token embedding itself when the model ties them.</param>
public sealed record HeadWeights(ReadOnlyMemory<float> Norm, WeightMatrix Output)
{
    /// <summary>Bias of the final norm; empty when norms have none. Shape [hidden].</summary>
    public ReadOnlyMemory<float> NormBias { get; init; }
}
