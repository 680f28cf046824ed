namespace NativeSplit.Model;

/// <summary>Which elements of a head form a rotated pair.</summary>
public enum RopeLayout
{
    /// <summary>(2i, 2i+1): GGUF files of the llama family.</summary>
    Interleaved,

    /// <summary>(i, i + dimensions/2): Hugging Face files, and GGUF files of the qwen family.</summary>
    Halves,
}

/// <summary>Rotary position embedding of a model (Su et al. 2021).</summary>
public sealed record RopeParameters
{
    /// <summary>No rotation: models with learned positions.</summary>
    public static RopeParameters None { get; } = new() { Layout = RopeLayout.Halves, Dimensions = 0, FrequencyBase = 1 };

    /// <summary>Pairing of elements.</summary>
    public required RopeLayout Layout { get; init; }

    /// <summary>Rotated elements per head; even, at most the head size. 0: no rotation.</summary>
    public required int Dimensions { get; init; }

    /// <summary>Base θ of the frequencies <c>θ^(−2i/dimensions)</c>.</summary>
    public required double FrequencyBase { get; init; }

    /// <summary>
    /// Divisor of each pair's frequency, shape [dimensions/2], or empty for 1: linear scaling, the llama-3 rule, or the
    /// file's own <c>rope_freqs.weight</c>, worked out once by the reader.
    /// </summary>
    public IReadOnlyList<float> FrequencyDivisors { get; init; } = [];
}
