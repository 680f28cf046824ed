using System.Collections.Frozen;
using System.Globalization;
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

    /// <summary>Checks every option.</summary>
    /// <param name="vocabularySize">Tokens in the vocabulary; bounds the ids of <see cref="LogitBias"/>.</param>
    /// <exception cref="ArgumentException">An option is out of its range; the message names option, value and range.</exception>
    public void Validate(int vocabularySize)
    {
        Require(Temperature >= 0f && float.IsFinite(Temperature), nameof(Temperature), Temperature, "a finite number, at least 0");
        Require(TopK >= 0, nameof(TopK), TopK, "at least 0 (0 keeps all)");
        Require(TopP is > 0f and <= 1f, nameof(TopP), TopP, "in (0, 1]");
        Require(MinP is >= 0f and <= 1f, nameof(MinP), MinP, "in [0, 1]");
        Require(RepetitionPenalty > 0f && float.IsFinite(RepetitionPenalty), nameof(RepetitionPenalty), RepetitionPenalty, "a finite number above 0 (1 is off)");
        Require(FrequencyPenalty is >= -2f and <= 2f, nameof(FrequencyPenalty), FrequencyPenalty, "in [-2, 2]");
        Require(PresencePenalty is >= -2f and <= 2f, nameof(PresencePenalty), PresencePenalty, "in [-2, 2]");
        foreach (var (token, bias) in LogitBias)
        {
            Require((uint)token.Value < (uint)vocabularySize, nameof(LogitBias), token, $"for tokens in [0, {vocabularySize})");
            Require(float.IsFinite(bias), nameof(LogitBias), bias, $"finite for token {token}");
        }
    }

    private static void Require(bool holds, string option, object value, string range)
    {
        if (!holds)
        {
            throw new ArgumentException(string.Create(CultureInfo.InvariantCulture, $"{option} is {value}; it must be {range}."), option);
        }
    }
}
