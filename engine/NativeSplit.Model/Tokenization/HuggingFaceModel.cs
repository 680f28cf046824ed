using System.Text.Json;

namespace NativeSplit.Model.Tokenization;

/// <summary>The member <c>model</c> of a <c>tokenizer.json</c>.</summary>
internal sealed record HuggingFaceModel
{
    /// <summary>Pieces with their ids, not empty; the added tokens may be missing.</summary>
    public required IReadOnlyList<KeyValuePair<string, int>> Vocabulary { get; init; }

    /// <summary>Merges in rank order.</summary>
    public required IReadOnlyList<MergePair> Merges { get; init; }

    /// <summary>What unknown characters become.</summary>
    public TokenId? Unknown { get; init; }

    /// <summary>A run of unknown characters becomes one token.</summary>
    public bool FuseUnknown { get; init; }

    /// <summary>Unknown characters become bytes.</summary>
    public bool ByteFallback { get; init; }

    /// <summary>A word that is a piece becomes that piece.</summary>
    public bool IgnoreMerges { get; init; }

    /// <summary>Reads the member.</summary>
    /// <exception cref="ModelException">It is corrupt, or isn't BPE as Llama-type models use it.</exception>
    public static HuggingFaceModel Read(JsonNodeReader model)
    {
        // The oldest files don't state the type; only BPE has merges.
        string kind = model.Member("type")?.AsString() ?? (model.Member("merges") is null ? "a model without a type" : "BPE");
        if (kind != "BPE")
        {
            throw model.Unsupported(kind, "BPE");
        }

        foreach (string affix in (ReadOnlySpan<string>)["continuing_subword_prefix", "end_of_word_suffix"])
        {
            if (model.Member(affix)?.AsString() is { Length: > 0 } value)
            {
                throw model.Unsupported($"the {affix} '{value}'", "none");
            }
        }

        if (model.Member("dropout") is { } dropout && dropout.Element.ValueKind == JsonValueKind.Number && dropout.Element.GetDouble() > 0)
        {
            throw model.Unsupported("dropout", "none: set it to null, it is for training");
        }

        List<KeyValuePair<string, int>> vocabulary = ReadVocabulary(model.Required("vocab"));
        return new HuggingFaceModel
        {
            Vocabulary = vocabulary,
            Merges = ReadMerges(model.Required("merges")),
            Unknown = ReadUnknown(model, vocabulary),
            FuseUnknown = model.Flag("fuse_unk"),
            ByteFallback = model.Flag("byte_fallback"),
            IgnoreMerges = model.Flag("ignore_merges"),
        };
    }

    private static List<KeyValuePair<string, int>> ReadVocabulary(JsonNodeReader vocab)
    {
        if (!vocab.IsObject)
        {
            throw vocab.Corrupt("isn't an object of pieces and ids");
        }

        var entries = new List<KeyValuePair<string, int>>();
        foreach (JsonProperty property in vocab.Element.EnumerateObject())
        {
            if (property.Value.ValueKind != JsonValueKind.Number || !property.Value.TryGetInt32(out int id))
            {
                throw vocab.Corrupt($"gives '{property.Name}' no whole number as its id");
            }

            entries.Add(new KeyValuePair<string, int>(property.Name, id));
        }

        return entries.Count > 0 ? entries : throw vocab.Corrupt("is empty");
    }

    /// <summary>Reads merges: <c>"a b"</c>, or <c>["a", "b"]</c> in files since 2024.</summary>
    private static List<MergePair> ReadMerges(JsonNodeReader merges)
    {
        if (merges.Element.ValueKind != JsonValueKind.Array)
        {
            throw merges.Corrupt("isn't an array");
        }

        var pairs = new List<MergePair>(merges.Element.GetArrayLength());
        foreach (JsonElement merge in merges.Element.EnumerateArray())
        {
            pairs.Add(TryReadMerge(merge, out MergePair pair)
                ? pair
                : throw merges.Corrupt($"has at {pairs.Count} something that isn't a merge: two pieces, \"a b\" or [\"a\", \"b\"]"));
        }

        return pairs;
    }

    private static bool TryReadMerge(JsonElement merge, out MergePair pair)
    {
        pair = default;
        if (merge.ValueKind == JsonValueKind.String)
        {
            string text = merge.GetString()!;
            int space = text.IndexOf(' ', StringComparison.Ordinal);
            if (space <= 0 || space == text.Length - 1 || text.IndexOf(' ', space + 1) >= 0)
            {
                return false;
            }

            pair = new MergePair(text[..space], text[(space + 1)..]);
            return true;
        }

        if (merge.ValueKind != JsonValueKind.Array || merge.GetArrayLength() != 2
            || merge[0].ValueKind != JsonValueKind.String || merge[1].ValueKind != JsonValueKind.String)
        {
            return false;
        }

        pair = new MergePair(merge[0].GetString()!, merge[1].GetString()!);
        return true;
    }

    private static TokenId? ReadUnknown(JsonNodeReader model, List<KeyValuePair<string, int>> vocabulary)
    {
        if (model.Member("unk_token") is not { } unknown)
        {
            return null;
        }

        string piece = unknown.AsString();
        int index = vocabulary.FindIndex(entry => entry.Key == piece);
        return index >= 0 ? new TokenId(vocabulary[index].Value) : throw unknown.Corrupt($"is '{piece}', which isn't in the vocabulary");
    }
}
