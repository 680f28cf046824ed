using NativeSplit.Model.Files.Gguf;
using NativeSplit.Model.Tokenization;
using NativeSplit.Testing;

namespace NativeSplit.Model.Tests.Tokenization;

/// <summary>Tokenizers that several classes test, built once.</summary>
internal static class Vocabularies
{
    private static readonly Dictionary<string, Lazy<Tokenizer>> Cache = [];

    /// <summary>llama.cpp's vocabulary-only file <c>ggml-vocab-NAME.gguf</c>; skips the test when it isn't there.</summary>
    public static Tokenizer LlamaCpp(string name)
    {
        string path = TestData.SharedPathOrSkip("golden", "tokenizer", $"ggml-vocab-{name}.gguf");
        return Once(path, () => FromGguf(path));
    }

    /// <summary>Qwen 3, with its configuration; skips the test when it isn't there.</summary>
    public static Tokenizer Qwen3()
    {
        string tokenizer = TestData.SharedPathOrSkip("golden", "tokenizer", "qwen3.tokenizer.json");
        string config = TestData.SharedPathOrSkip("golden", "tokenizer", "qwen3.tokenizer_config.json");
        return Once(tokenizer, () =>
        {
            using var folder = new TemporaryFolder();
            folder.Write("tokenizer.json", File.ReadAllBytes(tokenizer));
            folder.Write("tokenizer_config.json", File.ReadAllBytes(config));
            return TokenizerFactory.FromHuggingFace(folder.Path);
        });
    }

    /// <summary>The shipped model's tokenizer from its Hugging Face directory.</summary>
    public static Tokenizer Roadside() => Once("roadside", () => TokenizerFactory.FromHuggingFace(TestData.PathOf("roadside", "hf")));

    /// <summary>The shipped model's tokenizer from its GGUF file.</summary>
    public static Tokenizer RoadsideGguf() => Once("roadside.gguf", () => FromGguf(TestData.ModelPath("roadside-1.6m-q8_0.gguf")));

    /// <summary>A small tokenizer under <c>tests/data/tokenizers/NAME</c>.</summary>
    public static Tokenizer Small(string name) => Once(name, () => TokenizerFactory.FromHuggingFace(TestData.PathOf("tokenizers", name)));

    private static Tokenizer FromGguf(string path) => TokenizerFactory.FromGguf(GgufDirectory.Read(path).Metadata);

    private static Tokenizer Once(string key, Func<Tokenizer> build)
    {
        Lazy<Tokenizer>? tokenizer;
        lock (Cache)
        {
            if (!Cache.TryGetValue(key, out tokenizer))
            {
                Cache[key] = tokenizer = new Lazy<Tokenizer>(build);
            }
        }

        return tokenizer.Value;
    }
}

/// <summary>What every test of a tokenizer does.</summary>
internal static class TokenizerAssert
{
    public static readonly TokenizeOptions Plain = new(AddSpecial: false, ParseSpecial: false);
    public static readonly TokenizeOptions Parsed = new(AddSpecial: false, ParseSpecial: true);
    public static readonly TokenizeOptions Added = new(AddSpecial: true, ParseSpecial: false);
    public static readonly TokenizeOptions AddedAndParsed = new(AddSpecial: true, ParseSpecial: true);

    /// <summary>Encodes and compares ids, naming the text on failure.</summary>
    public static void Encodes(Tokenizer tokenizer, string text, TokenizeOptions options, IReadOnlyList<int> expected)
    {
        int[] ids = [.. tokenizer.Encode(text, options).Select(id => id.Value)];
        Assert.True(ids.AsSpan().SequenceEqual([.. expected]), $"{options} '{Escape(text)}': expected {Join(expected)}, got {Join(ids)}");
    }

    /// <summary>Decodes token by token.</summary>
    public static string Decode(Tokenizer tokenizer, IEnumerable<int> ids, bool printSpecial = false)
    {
        StreamingDetokenizer stream = tokenizer.CreateDetokenizer(printSpecial);
        return string.Concat(ids.Select(id => stream.Append(new TokenId(id)))) + stream.Finish();
    }

    public static string Escape(string text) => System.Text.Json.JsonEncodedText.Encode(text[..Math.Min(text.Length, 200)]).ToString();

    private static string Join(IEnumerable<int> ids) => string.Join(' ', ids.Take(60));
}
