namespace NativeSplit.Model.Tokenization;

/// <summary>Turns text into the ids a model was trained on, and ids into bytes. Immutable; safe from any thread.</summary>
public abstract class Tokenizer
{
    /// <summary>Number of ids: the vocabulary with added tokens.</summary>
    public abstract int VocabularySize { get; }

    /// <summary>Token that begins a text, or null.</summary>
    public abstract TokenId? BeginOfText { get; }

    /// <summary>Token that ends a text, or null.</summary>
    public abstract TokenId? EndOfText { get; }

    /// <summary>Every token that ends a generation (end of text, end of turn, end of message).</summary>
    public abstract IReadOnlySet<TokenId> EndOfGeneration { get; }

    /// <summary>Encodes text.</summary>
    /// <param name="text">The text. Unpaired surrogates are replaced as U+FFFD.</param>
    /// <param name="options">Whether to add and to recognise special tokens.</param>
    /// <returns>The ids.</returns>
    public abstract IReadOnlyList<TokenId> Encode(string text, TokenizeOptions options);

    /// <summary>The bytes a token stands for. Special tokens give their written form (<c>&lt;|eos|&gt;</c>).</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such token.</exception>
    public abstract ReadOnlySpan<byte> BytesOf(TokenId token);

    /// <summary>True for control tokens that are not part of the text.</summary>
    public abstract bool IsSpecial(TokenId token);

    /// <summary>The written form of a token (<c>&lt;|bos|&gt;</c>, <c>Ġthe</c>), as the vocabulary spells it.</summary>
    public abstract string PieceOf(TokenId token);

    /// <summary>Starts a detokenizer for one stream of tokens.</summary>
    /// <param name="printSpecial">Whether special tokens appear in their written form; otherwise they are left out.</param>
    /// <remarks>
    /// For tokens that are a text of their own. Vocabularies of the SentencePiece type put a space before a text; it is taken off again.
    /// </remarks>
    public abstract StreamingDetokenizer CreateDetokenizer(bool printSpecial);

    /// <summary>Starts a detokenizer for one stream of tokens.</summary>
    /// <param name="printSpecial">Whether special tokens appear in their written form; otherwise they are left out.</param>
    /// <param name="continuesText">
    /// True when the tokens go on after other text, as a generation goes on after its prompt: then a space at their start belongs to the text.
    /// </param>
    public virtual StreamingDetokenizer CreateDetokenizer(bool printSpecial, bool continuesText) => CreateDetokenizer(printSpecial);
}

/// <summary>How to treat special tokens while encoding.</summary>
/// <param name="AddSpecial">Add what the model wants around a text (begin of text, for most).</param>
/// <param name="ParseSpecial">Recognise the written form of special tokens in the text. Never for text of a user.</param>
public readonly record struct TokenizeOptions(bool AddSpecial, bool ParseSpecial);
