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

    /// <summary>Shape [feedForward, hidden]; null when the architecture has no gate, or experts.</summary>
    public required WeightMatrix? Gate { get; init; }

    /// <summary>Shape [feedForward, hidden]; null when the layer has experts.</summary>
    public required WeightMatrix? Up { get; init; }

    /// <summary>Shape [hidden, feedForward]; null when the layer has experts.</summary>
    public required WeightMatrix? Down { get; init; }

    /// <summary>Added before attention after the gain; empty when norms have none. Shape [hidden].</summary>
    public ReadOnlyMemory<float> AttentionNormBias { get; init; }

    /// <summary>Added before the feed-forward block after the gain; empty when norms have none. Shape [hidden].</summary>
    public ReadOnlyMemory<float> FeedForwardNormBias { get; init; }

    /// <summary>Gain of the norm of what attention adds; empty when the architecture has none. Shape [hidden].</summary>
    public ReadOnlyMemory<float> AttentionPostNorm { get; init; }

    /// <summary>Gain of the norm of what the feed-forward block adds; empty when the architecture has none. Shape [hidden].</summary>
    public ReadOnlyMemory<float> FeedForwardPostNorm { get; init; }

    /// <summary>Added to the up-projection; empty when the architecture has none. Shape [feedForward].</summary>
    public ReadOnlyMemory<float> UpBias { get; init; }

    /// <summary>Added to the down-projection; empty when the architecture has none. Shape [hidden].</summary>
    public ReadOnlyMemory<float> DownBias { get; init; }

    /// <summary>Chooses the experts of a row. Shape [experts, hidden]; null for dense layers.</summary>
    public WeightMatrix? Router { get; init; }

    /// <summary>The experts; empty for dense layers.</summary>
    public IReadOnlyList<ExpertWeights> Experts { get; init; } = [];

    /// <summary>Every matrix of the layer.</summary>
    public IEnumerable<WeightMatrix> Matrices
    {
        get
        {
            WeightMatrix?[] own = [Query, Key, Value, AttentionOutput, Gate, Up, Down, Router];
            return own.OfType<WeightMatrix>().Concat(Experts.SelectMany(expert => (WeightMatrix[])[expert.Gate, expert.Up, expert.Down]));
        }
    }
}

/// <summary>One expert of a layer: a gated feed-forward block.</summary>
/// <param name="Gate">Shape [feedForward, hidden].</param>
/// <param name="Up">Shape [feedForward, hidden].</param>
/// <param name="Down">Shape [hidden, feedForward].</param>
public sealed record ExpertWeights(WeightMatrix Gate, WeightMatrix Up, WeightMatrix Down);
