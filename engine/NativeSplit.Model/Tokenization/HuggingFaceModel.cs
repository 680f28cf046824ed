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
            Merges = [.. model.Required("merges").Items().Select(ReadMerge)],
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

    /// <summary>Reads a merge: <c>"a b"</c>, or <c>["a", "b"]</c> in files since 2024.</summary>
    private static MergePair ReadMerge(JsonNodeReader merge)
    {
        JsonElement element = merge.Element;
        if (element.ValueKind == JsonValueKind.String)
        {
            string[] sides = element.GetString()!.Split(' ');
            if (sides.Length == 2 && sides[0].Length > 0 && sides[1].Length > 0)
            {
                return new MergePair(sides[0], sides[1]);
            }
        }
        else if (element.ValueKind == JsonValueKind.Array && element.GetArrayLength() == 2
            && element[0].ValueKind == JsonValueKind.String && element[1].ValueKind == JsonValueKind.String)
        {
            return new MergePair(element[0].GetString()!, element[1].GetString()!);
        }

        throw merge.Corrupt("isn't a merge: two pieces, \"a b\" or [\"a\", \"b\"]");
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
