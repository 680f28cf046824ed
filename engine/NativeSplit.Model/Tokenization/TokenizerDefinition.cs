namespace NativeSplit.Model.Tokenization;

/// <summary>How words become ids.</summary>
internal enum TokenizerAlgorithm
{
    /// <summary>Bytes merged by rank.</summary>
    ByteLevelRanks,

    /// <summary>Characters merged by rank.</summary>
    CharacterRanks,

    /// <summary>Characters merged by the score of the result.</summary>
    Scores,
}

/// <summary>What a token is. Numbers are those of <c>tokenizer.ggml.token_type</c>.</summary>
internal enum TokenKind
{
    /// <summary>An id without a meaning.</summary>
    Undefined = 0,

    /// <summary>Text.</summary>
    Normal = 1,

    /// <summary>Stands for what the vocabulary can't write.</summary>
    Unknown = 2,

    /// <summary>Not part of the text: begin, end, roles.</summary>
    Control = 3,

    /// <summary>Text that is matched before everything else.</summary>
    UserDefined = 4,

    /// <summary>Never used.</summary>
    Unused = 5,

    /// <summary>One byte.</summary>
    Byte = 6,
}

/// <summary>A token that is matched in text as it is written, before text is split and merged.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Content">Its written form; not empty.</param>
internal sealed record AddedToken(TokenId Id, string Content)
{
    /// <summary>Matched only when special tokens are to be recognised.</summary>
    public bool Special { get; init; }

    /// <summary>Takes white space on its left with it.</summary>
    public bool StripLeft { get; init; }

    /// <summary>Takes white space on its right with it.</summary>
    public bool StripRight { get; init; }

    /// <summary>Matched only where no letter, digit or underscore touches it.</summary>
    public bool SingleWord { get; init; }

    /// <summary>Matched in normalized text; otherwise in the text as given.</summary>
    public bool Normalized { get; init; }
}

/// <summary>Which of overlapping added tokens wins.</summary>
internal enum AddedTokenOrder
{
    /// <summary>The one that begins first; of those, the longest (Hugging Face).</summary>
    LeftmostLongest,

    /// <summary>The longest, anywhere in the text (llama.cpp).</summary>
    LongestFirst,
}

/// <summary>A tokenizer as data, whatever file it came from. The steps run in the order of the members.</summary>
internal sealed record TokenizerDefinition
{
    /// <summary>Where it comes from, for messages.</summary>
    public required string Source { get; init; }

    /// <summary>Written form of each id; null where an id has none.</summary>
    public required string?[] Pieces { get; init; }

    /// <summary>Kind of each id.</summary>
    public required TokenKind[] Kinds { get; init; }

    /// <summary>Tokens that are cut out of the text first.</summary>
    public required IReadOnlyList<AddedToken> AddedTokens { get; init; }

    /// <summary>Which of overlapping added tokens wins.</summary>
    public required AddedTokenOrder AddedTokenOrder { get; init; }

    /// <summary>Rewriting of the text between them, before normalized added tokens are cut out.</summary>
    public IReadOnlyList<TextTransform> Normalizers { get; init; } = [];

    /// <summary>Rewriting of what is left, after that.</summary>
    public IReadOnlyList<TextTransform> Transforms { get; init; } = [];

    /// <summary>Splitting into words, each splitter on the pieces of the one before.</summary>
    public IReadOnlyList<TextSplitter> Splitters { get; init; } = [];

    /// <summary>How words become ids.</summary>
    public required TokenizerAlgorithm Algorithm { get; init; }

    /// <summary>Score of each id, for <see cref="TokenizerAlgorithm.Scores"/>.</summary>
    public float[] Scores { get; init; } = [];

    /// <summary>Merges in rank order, for the other algorithms.</summary>
    public IReadOnlyList<MergePair> Merges { get; init; } = [];

    /// <summary>A word that is a piece becomes that piece, whatever the merges say.</summary>
    public bool IgnoreMerges { get; init; }

    /// <summary>Unknown characters become byte tokens (<c>&lt;0x0A&gt;</c>).</summary>
    public bool ByteFallback { get; init; }

    /// <summary>What other unknown characters become; null: nothing.</summary>
    public TokenId? Unknown { get; init; }

    /// <summary>A run of unknown characters becomes one token.</summary>
    public bool FuseUnknown { get; init; }

    /// <summary>What goes before a text when special tokens are added.</summary>
    public IReadOnlyList<TokenId> Prefix { get; init; } = [];

    /// <summary>What goes after it.</summary>
    public IReadOnlyList<TokenId> Suffix { get; init; } = [];

    /// <summary>Token that begins a text.</summary>
    public TokenId? BeginOfText { get; init; }

    /// <summary>Token that ends a text.</summary>
    public TokenId? EndOfText { get; init; }

    /// <summary>Tokens that end a generation.</summary>
    public required IReadOnlySet<TokenId> EndOfGeneration { get; init; }

    /// <summary>The character that pieces write for a space; null where they write none. Not for byte-level pieces.</summary>
    public string? SpaceMark { get; init; }

    /// <summary>A space at the start of the decoded text is the tokenizer's own and goes.</summary>
    public bool DropsLeadingSpace { get; init; }
}
