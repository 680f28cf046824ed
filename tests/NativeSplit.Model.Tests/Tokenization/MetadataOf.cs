using System.Text.Json.Nodes;
using NativeSplit.Model.Files;
using NativeSplit.Testing;

namespace NativeSplit.Model.Tests.Tokenization;

/// <summary>GGUF metadata in memory.</summary>
internal sealed class MetadataOf : Dictionary<string, object>, IModelMetadata
{
    public string Source => "test.gguf";

    /// <summary>A SentencePiece vocabulary that knows "▁ab", "a", "b", "▁" and every byte.</summary>
    public static MetadataOf SentencePiece()
    {
        string[] tokens = ["<unk>", "<s>", "</s>", .. Enumerable.Range(0, 256).Select(value => $"<0x{value:X2}>"), "▁", "a", "b", "ab", "▁ab"];
        return new MetadataOf
        {
            ["tokenizer.ggml.model"] = "llama",
            ["tokenizer.ggml.tokens"] = tokens,
            ["tokenizer.ggml.scores"] = tokens.Select((_, id) => -(float)id).ToArray(),
            ["tokenizer.ggml.token_type"] = tokens.Select((_, id) => id switch { 0 => 2, < 3 => 3, < 259 => 6, _ => 1 }).ToArray(),
        };
    }

    /// <summary>The vocabulary and merges of a small Hugging Face tokenizer, as a conversion writes them.</summary>
    public static MetadataOf ByteLevel(string name, string pattern)
    {
        JsonNode root = JsonNode.Parse(File.ReadAllText(TestData.PathOf("tokenizers", name, "tokenizer.json")))!;
        var pieces = root["model"]!["vocab"]!.AsObject().ToDictionary(entry => (int)entry.Value!, entry => entry.Key);
        var types = pieces.Keys.ToDictionary(id => id, _ => 1);
        foreach (JsonNode? token in root["added_tokens"]!.AsArray())
        {
            pieces[(int)token!["id"]!] = (string)token["content"]!;
            types[(int)token["id"]!] = (bool)token["special"]! ? 3 : 4;
        }

        return new MetadataOf
        {
            ["tokenizer.ggml.model"] = "gpt2",
            ["tokenizer.ggml.pre"] = pattern,
            ["tokenizer.ggml.tokens"] = Enumerable.Range(0, pieces.Count).Select(id => pieces[id]).ToArray(),
            ["tokenizer.ggml.token_type"] = Enumerable.Range(0, pieces.Count).Select(id => types[id]).ToArray(),
            ["tokenizer.ggml.merges"] = root["model"]!["merges"]!.AsArray().Select(merge => $"{merge![0]} {merge[1]}").ToArray(),
        };
    }

    /// <summary>The same metadata with a key set.</summary>
    public MetadataOf With(string key, object value)
    {
        this["tokenizer.ggml." + key] = value;
        return this;
    }

    /// <summary>The same metadata without a key.</summary>
    public MetadataOf Without(string key)
    {
        Remove("tokenizer.ggml." + key);
        return this;
    }

    public bool TryGetString(string key, out string value) => TryGet(key, string.Empty, out value);

    public bool TryGetInteger(string key, out long value) => TryGet(key, 0L, out value);

    public bool TryGetNumber(string key, out double value) => TryGet(key, 0.0, out value);

    public bool TryGetBoolean(string key, out bool value) => TryGet(key, false, out value);

    public bool TryGetStrings(string key, out IReadOnlyList<string> values) => TryGet(key, [], out values);

    public bool TryGetNumbers(string key, out IReadOnlyList<float> values) => TryGet(key, [], out values);

    public bool TryGetIntegers(string key, out IReadOnlyList<int> values) => TryGet(key, [], out values);

    private bool TryGet<T>(string key, T absent, out T value)
    {
        bool found = TryGetValue(key, out object? content);
        value = found ? (T)content! : absent;
        return found;
    }
}
