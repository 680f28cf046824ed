using System.Text.Json;
using NativeSplit.Model.Tokenization;
using NativeSplit.Testing;

namespace NativeSplit.Model.Tests.Tokenization;

/// <summary>What GGUF metadata says and what it leaves to defaults; and metadata that can't be used.</summary>
public class GgufTokenizerTests
{
    private static readonly string[] TwoTokens = ["a", "b"];

    public static TheoryData<string, object?, ModelFault> Unusable => new()
    {
        { "model", null, ModelFault.Corrupt },
        { "model", "t5", ModelFault.Unsupported },
        { "tokens", null, ModelFault.Corrupt },
        { "tokens", Array.Empty<string>(), ModelFault.Corrupt },
        { "scores", null, ModelFault.Corrupt },
        { "scores", new float[3], ModelFault.Corrupt },
        { "scores", Enumerable.Repeat(float.NaN, 264).ToArray(), ModelFault.Corrupt },
        { "token_type", new int[7], ModelFault.Corrupt },
        { "token_type", Enumerable.Repeat(6, 264).ToArray(), ModelFault.Corrupt },
        { "bos_token_id", 264L, ModelFault.Corrupt },
        { "eos_token_id", -1L, ModelFault.Corrupt },
        { "eot_token_id", long.MaxValue, ModelFault.Corrupt },
        { "unknown_token_id", 4_000_000_000L, ModelFault.Corrupt },
    };

    public static TheoryData<string, object?, ModelFault> UnusableByteLevel => new()
    {
        { "pre", "tekken", ModelFault.Unsupported },
        { "merges", null, ModelFault.Corrupt },
        { "merges", new[] { "ab" }, ModelFault.Corrupt },
        { "merges", new[] { "a " }, ModelFault.Corrupt },
        { "merges", new[] { "a \u4f60" }, ModelFault.Corrupt },
        { "merges", new[] { "t h", "t h" }, ModelFault.Corrupt },
        { "add_bos_token", true, ModelFault.Corrupt },
        { "add_eos_token", true, ModelFault.Corrupt },
    };

    [Theory]
    [MemberData(nameof(Unusable))]
    public void FromGguf_NamesTheKey_WhenItCannotBeUsed(string key, object? value, ModelFault fault) => Refuses(MetadataOf.SentencePiece(), key, value, fault);

    [Theory]
    [MemberData(nameof(UnusableByteLevel))]
    public void FromGguf_NamesTheKey_WhenAByteLevelOneCannotBeUsed(string key, object? value, ModelFault fault) =>
        Refuses(MetadataOf.ByteLevel("default-style", "gpt-2"), key, value, fault);

    [Fact]
    public void FromGguf_NamesTheTokens_WhenTwoAreEqual()
    {
        MetadataOf metadata = MetadataOf.SentencePiece();
        ((string[])metadata["tokenizer.ggml.tokens"])[262] = "a";
        var error = Assert.Throws<ModelException>(() => TokenizerFactory.FromGguf(metadata));
        Assert.Equal(ModelFault.Corrupt, error.Fault);
        Assert.Contains("260", error.Message, StringComparison.Ordinal);
        Assert.Contains("262", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void FromGguf_TakesTheDefaultsOfLlama_WhenAFileSaysNothing()
    {
        Tokenizer tokenizer = TokenizerFactory.FromGguf(MetadataOf.SentencePiece());
        Assert.Equal(new TokenId(1), tokenizer.BeginOfText);
        Assert.Equal(new TokenId(2), tokenizer.EndOfText);
        TokenizerAssert.Encodes(tokenizer, "ab", TokenizerAssert.Added, [1, 263]);
    }

    [Fact]
    public void FromGguf_AddsNoSpace_WhenTheFileSaysSo()
    {
        Tokenizer tokenizer = TokenizerFactory.FromGguf(MetadataOf.SentencePiece().With("add_space_prefix", false).With("add_eos_token", true));
        TokenizerAssert.Encodes(tokenizer, "ab", TokenizerAssert.Added, [1, 262, 2]);
        Assert.Equal(" ab", TokenizerAssert.Decode(tokenizer, [263]));
    }

    [Fact]
    public void FromGguf_CollectsEveryEnd_OfStatedIdsAndKnownNames()
    {
        MetadataOf metadata = MetadataOf.ByteLevel("llama3-style", "llama-bpe");
        string[] tokens = (string[])metadata["tokenizer.ggml.tokens"];
        int begin = Array.IndexOf(tokens, "<|begin_of_text|>");
        Tokenizer tokenizer = TokenizerFactory.FromGguf(metadata.With("bos_token_id", (long)begin).With("eom_token_id", 5L));
        TokenId[] expected = [new(5), new(begin + 1), new(begin + 2)];
        Assert.Equal(expected, tokenizer.EndOfGeneration.OrderBy(id => id.Value));
        Assert.Null(tokenizer.EndOfText);
    }

    [Theory]
    [InlineData("default-style", "default")]
    [InlineData("default-style", null)]
    [InlineData("digits-style", "smollm")]
    [InlineData("llama3-style", "llama-bpe")]
    [InlineData("llama3-style", "llama3")]
    public void Encode_GivesTheIdsOfHuggingFace_WhenConverted(string name, string? pattern)
    {
        MetadataOf metadata = MetadataOf.ByteLevel(name, pattern ?? string.Empty);
        Tokenizer tokenizer = TokenizerFactory.FromGguf((pattern is null ? metadata.Without("pre") : metadata).With("add_bos_token", false));
        using var document = JsonDocument.Parse(File.ReadAllBytes(TestData.PathOf("tokenizers", $"{name}.json")));
        int compared = 0;
        foreach (JsonElement item in document.RootElement.EnumerateArray())
        {
            // Overlapping added tokens are the one thing in which llama.cpp differs on purpose.
            string text = item.GetProperty("text").GetString()!;
            if (!text.Contains('<', StringComparison.Ordinal))
            {
                int[] ids = [.. item.GetProperty("ids_parse_special").EnumerateArray().Select(id => id.GetInt32())];
                TokenizerAssert.Encodes(tokenizer, text, TokenizerAssert.AddedAndParsed, ids);
                compared++;
            }
        }

        Assert.InRange(compared, 60, int.MaxValue);
    }

    [Fact]
    public void Encode_BeginsWithBeginOfText_ForLlama3WithoutAFlag()
    {
        Tokenizer tokenizer = TokenizerFactory.FromGguf(MetadataOf.ByteLevel("llama3-style", "llama3").With("bos_token_id", 7L));
        Assert.Equal(new TokenId(7), tokenizer.Encode("x", TokenizerAssert.Added)[0]);
    }

    [Fact]
    public void FromGguf_ReplacesEmptyTokens_AsLlamaCppDoes()
    {
        MetadataOf metadata = MetadataOf.SentencePiece();
        ((string[])metadata["tokenizer.ggml.tokens"])[262] = string.Empty;
        Assert.Equal("[EMPTY_262]", TokenizerFactory.FromGguf(metadata).PieceOf(new TokenId(262)));
    }

    [Fact]
    public void FromGguf_Refuses_WhenScoresBelongToAnotherVocabulary()
    {
        MetadataOf metadata = MetadataOf.SentencePiece().With("tokens", TwoTokens).With("token_type", new[] { 1, 1 });
        Assert.Equal(ModelFault.Corrupt, Assert.Throws<ModelException>(() => TokenizerFactory.FromGguf(metadata)).Fault);
    }

    private static void Refuses(MetadataOf metadata, string key, object? value, ModelFault fault)
    {
        metadata = value is null ? metadata.Without(key) : metadata.With(key, value);
        var error = Assert.Throws<ModelException>(() => TokenizerFactory.FromGguf(metadata));
        Assert.Equal(fault, error.Fault);
        Assert.Contains("test.gguf", error.Message, StringComparison.Ordinal);
        Assert.Contains(key is "merges" ? "merge" : key, error.Message, StringComparison.Ordinal);
    }
}
