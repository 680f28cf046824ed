using NativeSplit.Model.Files;

namespace NativeSplit.Model.Tokenization;

/// <summary>Reads a tokenizer out of GGUF metadata. Defaults are those of llama.cpp.</summary>
internal static class GgufTokenizerReader
{
    private const string Keys = "tokenizer.ggml.";

    /// <summary>Reads the definition.</summary>
    /// <exception cref="ModelException">There is none, its parts contradict each other, or it is of an unsupported kind.</exception>
    public static TokenizerDefinition Read(IModelMetadata metadata)
    {
        if (!metadata.TryGetString(Keys + "model", out string model))
        {
            throw Corrupt(metadata, "model", "is missing: the file carries no tokenizer. Convert the model again, with its tokenizer.");
        }

        TokenizerDefinition definition = model switch
        {
            "llama" => ReadSentencePiece(metadata),
            "gpt2" => ReadByteLevel(metadata),
            _ => throw new ModelException(ModelFault.Unsupported, $"{metadata.Source}: {Keys}model is '{model}', which isn't supported. "
                + "Supported: llama (SentencePiece BPE), gpt2 (byte-level BPE)."),
        };

        return AddStandaloneTokens(metadata, definition);
    }

    private static TokenizerDefinition ReadSentencePiece(IModelMetadata metadata)
    {
        string?[] pieces = ReadPieces(metadata);
        TokenKind[] kinds = ReadKinds(metadata, pieces);
        if (!metadata.TryGetNumbers(Keys + "scores", out IReadOnlyList<float> scores) || scores.Count != pieces.Length)
        {
            throw Corrupt(metadata, "scores", $"must have one score for each of the {pieces.Length} tokens, not {scores?.Count ?? 0}.");
        }

        if (scores.Any(float.IsNaN))
        {
            throw Corrupt(metadata, "scores", "has a score that isn't a number. Convert the model again.");
        }

        bool prefixSpace = Flag(metadata, "add_space_prefix") ?? true;
        var mark = TextTransform.SpaceMark.ToString();
        var toMarks = new ReplaceTransform(" ", mark);
        return new TokenizerDefinition
        {
            Source = metadata.Source,
            Pieces = pieces,
            Kinds = kinds,
            AddedTokens = [],
            AddedTokenOrder = AddedTokenOrder.LongestFirst,
            Normalizers = prefixSpace ? [new PrependTransform(mark), toMarks] : [toMarks],
            Algorithm = TokenizerAlgorithm.Scores,
            Scores = [.. scores],
            ByteFallback = true,
            Unknown = Id(metadata, "unknown_token_id", pieces.Length) ?? DefaultId(0, pieces.Length),
            BeginOfText = Id(metadata, "bos_token_id", pieces.Length) ?? DefaultId(1, pieces.Length),
            EndOfText = Id(metadata, "eos_token_id", pieces.Length) ?? DefaultId(2, pieces.Length),
            EndOfGeneration = EndOfGenerationTokens.Collect([], []),
            SpaceMark = mark,
            DropsLeadingSpace = prefixSpace,
        };
    }

    private static TokenizerDefinition ReadByteLevel(IModelMetadata metadata)
    {
        string?[] pieces = ReadPieces(metadata);
        string pattern = metadata.TryGetString(Keys + "pre", out string stated) ? stated : "default";
        return new TokenizerDefinition
        {
            Source = metadata.Source,
            Pieces = pieces,
            Kinds = ReadKinds(metadata, pieces),
            AddedTokens = [],
            AddedTokenOrder = AddedTokenOrder.LongestFirst,
            Splitters = SplittersOf(metadata, pattern),
            Algorithm = TokenizerAlgorithm.ByteLevelRanks,
            Merges = ReadMerges(metadata),
            IgnoreMerges = IsLlama3(pattern),
            BeginOfText = Id(metadata, "bos_token_id", pieces.Length),
            EndOfText = Id(metadata, "eos_token_id", pieces.Length),
            EndOfGeneration = EndOfGenerationTokens.Collect([], []),
        };
    }

    /// <summary>Adds what both kinds share: tokens matched in text, ends of generation, what goes around a text.</summary>
    private static TokenizerDefinition AddStandaloneTokens(IModelMetadata metadata, TokenizerDefinition definition)
    {
        string?[] pieces = definition.Pieces;
        TokenKind[] kinds = definition.Kinds;
        var named = new List<(TokenId, string)>();
        var added = new List<AddedToken>();
        for (int id = 0; id < pieces.Length; id++)
        {
            string piece = pieces[id]!;
            if (EndOfGenerationTokens.IsName(piece))
            {
                named.Add((new TokenId(id), piece));
                kinds[id] = TokenKind.Control;
            }

            if (kinds[id] is TokenKind.Control or TokenKind.Unknown or TokenKind.UserDefined)
            {
                added.Add(new AddedToken(new TokenId(id), piece) { Special = kinds[id] != TokenKind.UserDefined });
            }
        }

        TokenId?[] ends =
        [
            definition.EndOfText,
            Id(metadata, "eot_token_id", pieces.Length),
            Id(metadata, "eom_token_id", pieces.Length),
        ];
        bool isLlama3 = metadata.TryGetString(Keys + "pre", out string pattern) && IsLlama3(pattern);
        bool addBegin = Flag(metadata, "add_bos_token") ?? (definition.Algorithm == TokenizerAlgorithm.Scores || isLlama3);
        bool addEnd = Flag(metadata, "add_eos_token") ?? false;
        return definition with
        {
            AddedTokens = added,
            EndOfGeneration = EndOfGenerationTokens.Collect(ends, named),
            Prefix = addBegin ? [Required(metadata, definition.BeginOfText, "add_bos_token", "bos_token_id")] : [],
            Suffix = addEnd ? [Required(metadata, definition.EndOfText, "add_eos_token", "eos_token_id")] : [],
        };
    }

    private static string?[] ReadPieces(IModelMetadata metadata)
    {
        if (!metadata.TryGetStrings(Keys + "tokens", out IReadOnlyList<string> tokens) || tokens.Count == 0)
        {
            throw Corrupt(metadata, "tokens", "is missing or empty: the file carries no vocabulary. Convert the model again, with its tokenizer.");
        }

        string?[] pieces = new string?[tokens.Count];
        for (int id = 0; id < pieces.Length; id++)
        {
            pieces[id] = tokens[id].Length > 0 ? tokens[id] : $"[EMPTY_{id}]";
        }

        return pieces;
    }

    private static TokenKind[] ReadKinds(IModelMetadata metadata, string?[] pieces)
    {
        var kinds = new TokenKind[pieces.Length];
        if (!metadata.TryGetIntegers(Keys + "token_type", out IReadOnlyList<int> types))
        {
            Array.Fill(kinds, TokenKind.Normal);
            return kinds;
        }

        if (types.Count != kinds.Length)
        {
            throw Corrupt(metadata, "token_type", $"must have one type for each of the {kinds.Length} tokens, not {types.Count}.");
        }

        for (int id = 0; id < kinds.Length; id++)
        {
            kinds[id] = types[id] is >= (int)TokenKind.Normal and <= (int)TokenKind.Byte ? (TokenKind)types[id] : TokenKind.Undefined;
            if (kinds[id] == TokenKind.Byte && !TokenBytes.TryParseByte(pieces[id]!, out _))
            {
                throw Corrupt(metadata, "tokens", $"has '{pieces[id]}' at {id}, which token_type calls a byte. Byte tokens are written <0x0A>.");
            }
        }

        return kinds;
    }

    private static MergePair[] ReadMerges(IModelMetadata metadata)
    {
        if (!metadata.TryGetStrings(Keys + "merges", out IReadOnlyList<string> merges))
        {
            throw Corrupt(metadata, "merges", "is missing: byte-level BPE can't do without. Convert the model again, with its tokenizer.");
        }

        var pairs = new MergePair[merges.Count];
        for (int rank = 0; rank < pairs.Length; rank++)
        {
            string merge = merges[rank];
            int space = merge.Length > 1 ? merge.IndexOf(' ', 1) : -1;
            if (space < 0 || space == merge.Length - 1)
            {
                throw Corrupt(metadata, "merges", $"has '{merge}' at {rank}; a merge is two pieces with a space between them.");
            }

            pairs[rank] = new MergePair(merge[..space], merge[(space + 1)..]);
        }

        return pairs;
    }

    private static IReadOnlyList<TextSplitter> SplittersOf(IModelMetadata metadata, string pattern) => pattern switch
    {
        "default" => PublishedPatterns.UnnamedPasses,
        "gpt-2" => [PublishedPatterns.Splitter(PublishedPatterns.Gpt2)],
        "qwen2" or "deepseek-r1-qwen" => [PublishedPatterns.Splitter(PublishedPatterns.Qwen2)],
        "smollm" => [PublishedPatterns.Splitter(PublishedPatterns.Digit), PublishedPatterns.Splitter(PublishedPatterns.Gpt2)],
        _ when IsLlama3(pattern) => [PublishedPatterns.Splitter(PublishedPatterns.Llama3)],
        _ => throw new ModelException(ModelFault.Unsupported, $"{metadata.Source}: {Keys}pre is '{pattern}', which isn't supported. "
            + "Supported: default, gpt-2, llama-bpe, llama3, llama-v3, qwen2, deepseek-r1-qwen, smollm."),
    };

    private static bool IsLlama3(string pattern) => pattern is "llama-bpe" or "llama3" or "llama-v3";

    private static bool? Flag(IModelMetadata metadata, string key) => metadata.TryGetBoolean(Keys + key, out bool value) ? value : null;

    private static TokenId? Id(IModelMetadata metadata, string key, int count)
    {
        if (!metadata.TryGetInteger(Keys + key, out long value))
        {
            return null;
        }

        if (value < 0 || value >= count)
        {
            throw Corrupt(metadata, key, $"is {value}, but the vocabulary has ids 0 to {count - 1}. Convert the model again.");
        }

        return new TokenId((int)value);
    }

    private static TokenId? DefaultId(int id, int count) => id < count ? new TokenId(id) : null;

    private static TokenId Required(IModelMetadata metadata, TokenId? id, string flag, string key) =>
        id ?? throw Corrupt(metadata, key, $"is missing, but {flag} asks for it. Set the one or clear the other.");

    private static ModelException Corrupt(IModelMetadata metadata, string key, string problem) =>
        new(ModelFault.Corrupt, $"{metadata.Source}: {Keys}{key} {problem}");
}
