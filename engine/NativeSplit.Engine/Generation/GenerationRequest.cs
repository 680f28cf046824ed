using NativeSplit.Engine.Sampling;
using NativeSplit.Model;

namespace NativeSplit.Engine.Generation;

/// <summary>One text to continue.</summary>
public sealed record GenerationRequest
{
    /// <summary>Ids of the prompt; at least one.</summary>
    public required IReadOnlyList<TokenId> Prompt { get; init; }

    /// <summary>Tokens to generate at most; null: up to the context's end.</summary>
    public int? MaxTokens { get; init; }

    /// <summary>How tokens are chosen.</summary>
    public SamplingOptions Sampling { get; init; } = SamplingOptions.Greedy;

    /// <summary>Strings that end the generation; they don't appear in the text.</summary>
    public IReadOnlyList<string> Stop { get; init; } = [];

    /// <summary>Go on past tokens that end a generation (for load tests).</summary>
    public bool IgnoreEndOfGeneration { get; init; }

    /// <summary>Print special tokens in their written form.</summary>
    public bool PrintSpecial { get; init; }
}

/// <summary>Why a generation ended.</summary>
public enum FinishReason
{
    /// <summary>An end token or a stop string.</summary>
    Stop,

    /// <summary><see cref="GenerationRequest.MaxTokens"/> or the end of the context.</summary>
    Length,
}

/// <summary>One token of a generation.</summary>
/// <param name="Token">The token.</param>
/// <param name="Text">Text that is complete with it; may be empty (half a character, or what may yet become a stop string).</param>
/// <param name="Finish">Set on the last chunk.</param>
public readonly record struct GenerationChunk(TokenId Token, string Text, FinishReason? Finish);

/// <summary>Counts of a generation.</summary>
/// <param name="PromptTokens">Tokens of the prompt.</param>
/// <param name="CompletionTokens">Tokens generated, end token included.</param>
public readonly record struct GenerationUsage(int PromptTokens, int CompletionTokens);
