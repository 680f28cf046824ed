namespace NativeSplit.Model;

/// <summary>Everything about a model that its weights' shapes and its forward pass follow from.</summary>
public sealed record ModelShape
{
    /// <summary>Architecture name as in GGUF (<c>llama</c>, <c>qwen2</c>, <c>qwen3</c>).</summary>
    public required string Architecture { get; init; }

    /// <summary>Transformer layers.</summary>
    public required int LayerCount { get; init; }

    /// <summary>Width of the residual stream.</summary>
    public required int HiddenSize { get; init; }

    /// <summary>Query heads.</summary>
    public required int HeadCount { get; init; }

    /// <summary>Key and value heads; divides <see cref="HeadCount"/> (grouped-query attention).</summary>
    public required int KeyValueHeadCount { get; init; }

    /// <summary>Elements of a head.</summary>
    public required int HeadSize { get; init; }

    /// <summary>Width of the feed-forward block.</summary>
    public required int FeedForwardSize { get; init; }

    /// <summary>Tokens in the vocabulary.</summary>
    public required int VocabularySize { get; init; }

    /// <summary>Positions the model was made for.</summary>
    public required int ContextLength { get; init; }

    /// <summary>Epsilon of every root-mean-square norm.</summary>
    public required float NormEpsilon { get; init; }

    /// <summary>Rotary embedding.</summary>
    public required RopeParameters Rope { get; init; }

    /// <summary>Width of all query heads together.</summary>
    public int QuerySize => HeadCount * HeadSize;

    /// <summary>Width of all key heads together; also of all value heads.</summary>
    public int KeyValueSize => KeyValueHeadCount * HeadSize;

    /// <summary>All layers.</summary>
    public LayerRange AllLayers => new(0, LayerCount);

    /// <summary>Bytes of float32 KV cache one token takes in one layer.</summary>
    public long KeyValueBytesPerTokenPerLayer => 2L * KeyValueSize * sizeof(float);
}
