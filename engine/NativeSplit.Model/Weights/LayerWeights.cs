using NativeSplit.Kernels;

namespace NativeSplit.Model.Weights;

/// <summary>Weights of one transformer layer. Matrices are lent by the <see cref="ModelWeights"/> that made it.</summary>
/// <remarks>Shapes are [outputs, inputs]; vectors are widened to float32 at load.</remarks>
public sealed record LayerWeights
{
    /// <summary>Gain before attention. Shape [hidden].</summary>
    public required ReadOnlyMemory<float> AttentionNorm { get; init; }

    /// <summary>Shape [heads·headSize, hidden].</summary>
    public required WeightMatrix Query { get; init; }

    /// <summary>Shape [kvHeads·headSize, hidden].</summary>
    public required WeightMatrix Key { get; init; }

    /// <summary>Shape [kvHeads·headSize, hidden].</summary>
    public required WeightMatrix Value { get; init; }

    /// <summary>Shape [hidden, heads·headSize].</summary>
    public required WeightMatrix AttentionOutput { get; init; }

    /// <summary>Added to the query; empty when the architecture has none. Shape [heads·headSize].</summary>
    public ReadOnlyMemory<float> QueryBias { get; init; }

    /// <summary>Added to the key; empty when the architecture has none. Shape [kvHeads·headSize].</summary>
    public ReadOnlyMemory<float> KeyBias { get; init; }

    /// <summary>Added to the value; empty when the architecture has none. Shape [kvHeads·headSize].</summary>
    public ReadOnlyMemory<float> ValueBias { get; init; }

    /// <summary>Added to the attention output; empty when the architecture has none. Shape [hidden].</summary>
    public ReadOnlyMemory<float> AttentionOutputBias { get; init; }

    /// <summary>Gain of the norm of each query head; empty when the architecture has none. Shape [headSize].</summary>
    public ReadOnlyMemory<float> QueryNorm { get; init; }

    /// <summary>Gain of the norm of each key head; empty when the architecture has none. Shape [headSize].</summary>
    public ReadOnlyMemory<float> KeyNorm { get; init; }

    /// <summary>Gain before the feed-forward block. Shape [hidden].</summary>
    public required ReadOnlyMemory<float> FeedForwardNorm { get; init; }

    /// <summary>Shape [feedForward, hidden].</summary>
    public required WeightMatrix Gate { get; init; }

    /// <summary>Shape [feedForward, hidden].</summary>
    public required WeightMatrix Up { get; init; }

    /// <summary>Shape [hidden, feedForward].</summary>
    public required WeightMatrix Down { get; init; }
}
