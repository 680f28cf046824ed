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

    /// <summary>Epsilon of every norm.</summary>
    public required float NormEpsilon { get; init; }

    /// <summary>Rotary embedding; <see cref="RopeParameters.None"/> where positions are learned.</summary>
    public required RopeParameters Rope { get; init; }

    /// <summary>Kind of the norms before the blocks and at the end.</summary>
    public NormKind Norm { get; init; }

    /// <summary>Activation of the feed-forward block.</summary>
    public ActivationKind Activation { get; init; }

    /// <summary>Factor of attention scores; 0 stands for 1/√headSize.</summary>
    public float ScoreScale { get; init; }

    /// <summary>Soft cap of attention scores: s becomes cap·tanh(s/cap). 0: none.</summary>
    public float ScoreSoftCap { get; init; }

    /// <summary>Soft cap of logits. 0: none.</summary>
    public float LogitSoftCap { get; init; }

    /// <summary>Factor of token embeddings.</summary>
    public float EmbeddingScale { get; init; } = 1f;

    /// <summary>Sliding window of attention; <see cref="AttentionWindow.None"/> when every layer sees all positions.</summary>
    public AttentionWindow Window { get; init; } = AttentionWindow.None;

    /// <summary>Mixture of experts in place of the feed-forward block; null for dense models.</summary>
    public ExpertShape? Experts { get; init; }

    /// <summary>Width of all query heads together.</summary>
    public int QuerySize => HeadCount * HeadSize;

    /// <summary>Width of all key heads together; also of all value heads.</summary>
    public int KeyValueSize => KeyValueHeadCount * HeadSize;

    /// <summary>All layers.</summary>
    public LayerRange AllLayers => new(0, LayerCount);

    /// <summary>Factor of attention scores.</summary>
    public float AttentionScale => ScoreScale > 0 ? ScoreScale : (float)(1.0 / Math.Sqrt(HeadSize));

    /// <summary>Bytes of float32 KV cache one token takes in one layer.</summary>
    public long KeyValueBytesPerTokenPerLayer => 2L * KeyValueSize * sizeof(float);
}
