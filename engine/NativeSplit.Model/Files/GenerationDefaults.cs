namespace NativeSplit.Model.Files;

/// <summary>Sampling settings that ship with a model (<c>generation_config.json</c>); null where it says nothing.</summary>
public sealed record GenerationDefaults
{
    /// <summary>Settings of a model that ships none.</summary>
    public static GenerationDefaults None { get; } = new();

    /// <summary>Softmax temperature; 0 means greedy. A model with <c>do_sample: false</c> has 0 here.</summary>
    public float? Temperature { get; init; }

    /// <summary>Keep the k best tokens.</summary>
    public int? TopK { get; init; }

    /// <summary>Keep the smallest set with this probability.</summary>
    public float? TopP { get; init; }

    /// <summary>Keep tokens with at least this share of the best one's probability.</summary>
    public float? MinP { get; init; }

    /// <summary>Divides positive and multiplies negative logits of tokens seen.</summary>
    public float? RepetitionPenalty { get; init; }

    /// <summary>Tokens to generate at most.</summary>
    public int? MaxNewTokens { get; init; }

    /// <summary>Tokens that end a generation, on top of the tokenizer's own.</summary>
    public IReadOnlyList<TokenId> EndOfGeneration { get; init; } = [];
}
