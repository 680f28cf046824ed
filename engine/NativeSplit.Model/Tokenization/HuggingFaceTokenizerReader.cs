namespace NativeSplit.Model.Tokenization;

/// <summary>Reads a tokenizer out of a Hugging Face directory. Truncation and padding are left to the caller, whatever the file says.</summary>
internal static class HuggingFaceTokenizerReader
{
    /// <summary>Ids above this are absurd, and so would be the tables made for them.</summary>
    private const int LargestId = 1 << 24;

    /// <summary>Reads the definition.</summary>
    /// <exception cref="ModelException">A file is missing, corrupt or of an unsupported kind.</exception>
    public static TokenizerDefinition Read(string directory)
    {
        string file = Path.Combine(directory, "tokenizer.json");
        if (!File.Exists(file))
        {
            throw new ModelException(ModelFault.NotFound, $"{file} is missing. Download it; for a model that ships tokenizer.model only, "
                + "save its tokenizer as a fast one (save_pretrained of a Hugging Face fast tokenizer).");
        }

        try
        {
            return ReadFiles(directory, file);
        }
        catch (InvalidOperationException error)
        {
            // The reader of JSON finds only on decoding that an escape is half a surrogate pair.
            throw new ModelException(ModelFault.Corrupt, $"{directory} has a tokenizer file with text that isn't Unicode: {error.Message}", error);
        }
    }

    private static TokenizerDefinition ReadFiles(string directory, string file)
    {
        JsonNodeReader root = JsonNodeReader.Open(file);
        JsonNodeReader? config = OpenOptional(directory, "tokenizer_config.json");
        JsonNodeReader? map = OpenOptional(directory, "special_tokens_map.json");

        HuggingFaceModel model = HuggingFaceModel.Read(root.Required("model"));
        HuggingFacePipeline pipeline = HuggingFacePipeline.Read(root);
        List<AddedToken> added = ReadAddedTokens(root, config);
        (string?[] pieces, TokenKind[] kinds) = Merge(root, model, added, pipeline.ByteFallbackDecoder);

        TokenId? begin = NamedToken("bos_token", pieces, config, map);
        TokenId? end = NamedToken("eos_token", pieces, config, map);
        bool configAddsBegin = !pipeline.HasTemplate && begin is not null && (config?.Flag("add_bos_token") ?? false);
        bool configAddsEnd = !pipeline.HasTemplate && end is not null && (config?.Flag("add_eos_token") ?? false);
        return new TokenizerDefinition
        {
            Source = file,
            Pieces = pieces,
            Kinds = kinds,
            AddedTokens = added,
            AddedTokenOrder = AddedTokenOrder.LeftmostLongest,
            Normalizers = pipeline.Normalizers,
            Transforms = pipeline.Transforms,
            Splitters = pipeline.Splitters,
            Algorithm = pipeline.ByteLevel ? TokenizerAlgorithm.ByteLevelRanks : TokenizerAlgorithm.CharacterRanks,
            Merges = model.Merges,
            IgnoreMerges = model.IgnoreMerges,
            ByteFallback = model.ByteFallback,
            Unknown = model.Unknown,
            FuseUnknown = model.FuseUnknown,
            Prefix = configAddsBegin ? [begin!.Value] : Judge(root, pipeline.Prefix, pieces.Length),
            Suffix = configAddsEnd ? [end!.Value] : Judge(root, pipeline.Suffix, pieces.Length),
            BeginOfText = begin,
            EndOfText = end,
            EndOfGeneration = EndOfGenerationTokens.Collect([end], added.Select(token => (token.Id, token.Content))),
            SpaceMark = pipeline.SpaceMark,
            DropsLeadingSpace = pipeline.DropsLeadingSpace,
        };
    }

    private static JsonNodeReader? OpenOptional(string directory, string name)
    {
        string file = Path.Combine(directory, name);
        return File.Exists(file) ? JsonNodeReader.Open(file) : null;
    }

    private static List<AddedToken> ReadAddedTokens(JsonNodeReader root, JsonNodeReader? config)
    {
        var tokens = new List<AddedToken>();
        var ids = new HashSet<TokenId>();
        foreach (JsonNodeReader item in root.Member("added_tokens")?.Items() ?? [])
        {
            AddedToken token = ReadAddedToken(item, item.Required("id").AsInteger());
            if (!ids.Add(token.Id))
            {
                throw item.Corrupt($"has the id {token.Id}, which another added token has too");
            }

            tokens.Add(token);
        }

        // Tokens that were added after tokenizer.json was written stand in the configuration only.
        if (config?.Member("added_tokens_decoder") is { } decoder)
        {
            foreach (string name in decoder.Element.EnumerateObject().Select(property => property.Name))
            {
                if (!int.TryParse(name, System.Globalization.CultureInfo.InvariantCulture, out int id))
                {
                    throw decoder.Corrupt($"has the member '{name}', which isn't an id");
                }

                if (ids.Add(new TokenId(id)))
                {
                    tokens.Add(ReadAddedToken(decoder.Required(name), id));
                }
            }
        }

        return tokens;
    }

    private static AddedToken ReadAddedToken(JsonNodeReader item, int id)
    {
        string content = item.Required("content").AsString();
        if (content.Length == 0)
        {
            throw item.Corrupt("has an empty content");
        }

        bool special = item.Flag("special");
        return new AddedToken(new TokenId(id), content)
        {
            Special = special,
            StripLeft = item.Flag("lstrip"),
            StripRight = item.Flag("rstrip"),
            SingleWord = item.Flag("single_word"),
            Normalized = item.Flag("normalized", absent: !special),
        };
    }

    /// <summary>Joins the vocabulary of the model and the added tokens into one table.</summary>
    private static (string?[] Pieces, TokenKind[] Kinds) Merge(JsonNodeReader root, HuggingFaceModel model, List<AddedToken> added, bool hasByteTokens)
    {
        int largest = Math.Max(model.Vocabulary.Max(entry => entry.Value), added.Count > 0 ? added.Max(token => token.Id.Value) : 0);
        int smallest = Math.Min(model.Vocabulary.Min(entry => entry.Value), added.Count > 0 ? added.Min(token => token.Id.Value) : 0);
        if (smallest < 0 || largest > LargestId)
        {
            throw root.Corrupt($"has token ids from {smallest} to {largest}; ids go from 0 to {LargestId} at most");
        }

        string?[] pieces = new string?[largest + 1];
        var kinds = new TokenKind[pieces.Length];
        foreach ((string piece, int id) in model.Vocabulary)
        {
            if (pieces[id] is { } other)
            {
                throw root.Corrupt($"gives the id {id} to both '{other}' and '{piece}'");
            }

            pieces[id] = piece;
            bool isByte = hasByteTokens && TokenBytes.TryParseByte(piece, out _);
            kinds[id] = isByte ? TokenKind.Byte : TokenKind.Normal;
        }

        foreach (AddedToken token in added)
        {
            int id = token.Id.Value;
            if (pieces[id] is { } other && other != token.Content)
            {
                throw root.Corrupt($"gives the id {id} to '{other}' in the vocabulary and to the added token '{token.Content}'");
            }

            pieces[id] = token.Content;
            kinds[id] = token.Special ? TokenKind.Control : TokenKind.UserDefined;
        }

        return (pieces, kinds);
    }

    private static IReadOnlyList<TokenId> Judge(JsonNodeReader root, IReadOnlyList<TokenId> ids, int count)
    {
        foreach (TokenId id in ids)
        {
            if ((uint)id.Value >= (uint)count)
            {
                throw root.Corrupt($"puts token {id} around a text, but the ids go from 0 to {count - 1}");
            }
        }

        return ids;
    }

    private static TokenId? NamedToken(string name, string?[] pieces, params ReadOnlySpan<JsonNodeReader?> files)
    {
        foreach (JsonNodeReader? file in files)
        {
            if (file?.Member(name) is not { } member)
            {
                continue;
            }

            string content = (member.IsObject ? member.Required("content") : member).AsString();
            int id = Array.IndexOf(pieces, content);
            return id >= 0 ? new TokenId(id) : throw member.Corrupt($"is '{content}', which isn't in the vocabulary");
        }

        return null;
    }
}
