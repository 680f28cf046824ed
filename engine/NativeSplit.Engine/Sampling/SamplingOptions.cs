using System.Collections.Frozen;
using NativeSplit.Model;

namespace NativeSplit.Engine.Sampling;

/// <summary>How the next token is chosen. Checked once by <c>Validate</c>; defaults change nothing about the logits and sample at temperature 1.</summary>
public sealed record SamplingOptions
{
    /// <summary>Always the best token.</summary>
    public static SamplingOptions Greedy { get; } = new() { Temperature = 0f };

    /// <summary>Softmax temperature, ≥ 0; 0 is greedy.</summary>
    public float Temperature { get; init; } = 1f;

    /// <summary>Keep the k best tokens; 0 keeps all.</summary>
    public int TopK { get; init; }

    /// <summary>Keep the smallest set of best tokens whose probability reaches this; in (0, 1].</summary>
    public float TopP { get; init; } = 1f;

    /// <summary>Keep tokens with at least this share of the best one's probability; in [0, 1].</summary>
    public float MinP { get; init; }

    /// <summary>Divides positive and multiplies negative logits of tokens seen in prompt and output; 1 is off (Keskar et al. 2019).</summary>
    public float RepetitionPenalty { get; init; } = 1f;

    /// <summary>Subtracted once per earlier occurrence in the output; in [−2, 2] (OpenAI API).</summary>
    public float FrequencyPenalty { get; init; }

    /// <summary>Subtracted once if the token occurred in the output; in [−2, 2] (OpenAI API).</summary>
    public float PresencePenalty { get; init; }

    /// <summary>Seed of the choice; null draws one.</summary>
    public ulong? Seed { get; init; }

    /// <summary>Added to the logits of tokens before all else.</summary>
    public FrozenDictionary<TokenId, float> LogitBias { get; init; } = FrozenDictionary<TokenId, float>.Empty;
}
