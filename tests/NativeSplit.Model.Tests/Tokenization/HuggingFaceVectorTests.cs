using System.Text.Json;
using NativeSplit.Model.Tokenization;
using NativeSplit.Testing;

namespace NativeSplit.Model.Tests.Tokenization;

/// <summary>Ids and text against those that Hugging Face tokenizers gave (<c>tests/data/tokenizers/record.mjs</c>).</summary>
public class HuggingFaceVectorTests
{
    [Theory]
    [InlineData("qwen3")]
    [InlineData("llama3-style")]
    [InlineData("llama2-style")]
    [InlineData("metaspace-style")]
    [InlineData("digits-style")]
    [InlineData("prefix-style")]
    [InlineData("default-style")]
    public void Encode_GivesTheIdsOfHuggingFace_ForEveryCase(string name)
    {
        Tokenizer tokenizer = Open(name);
        foreach (JsonElement item in Cases(name))
        {
            string text = item.GetProperty("text").GetString()!;
            int[] parsed = Ids(item, "ids_parse_special");
            TokenizerAssert.Encodes(tokenizer, text, TokenizerAssert.Parsed, parsed);
            TokenizerAssert.Encodes(tokenizer, text, TokenizerAssert.AddedAndParsed, Ids(item, "ids_add_special_parse_special", parsed));
            TokenizerAssert.Encodes(tokenizer, text, TokenizerAssert.Plain, Ids(item, "ids", parsed));
        }
    }

    [Theory]
    [InlineData("qwen3")]
    [InlineData("llama3-style")]
    [InlineData("llama2-style")]
    [InlineData("metaspace-style")]
    [InlineData("digits-style")]
    [InlineData("prefix-style")]
    [InlineData("default-style")]
    public void Detokenizer_GivesTheTextOfHuggingFace_ForEveryCase(string name)
    {
        Tokenizer tokenizer = Open(name);
        foreach (JsonElement item in Cases(name).Where(item => item.TryGetProperty("decoded", out _)))
        {
            int[] ids = Ids(item, "ids_parse_special");
            Assert.Equal(item.GetProperty("decoded").GetString(), TokenizerAssert.Decode(tokenizer, ids));
            Assert.Equal(item.GetProperty("decoded_with_special").GetString(), TokenizerAssert.Decode(tokenizer, ids, printSpecial: true));
        }
    }

    [Fact]
    public void Properties_AreThoseOfTheFiles_ForQwen3()
    {
        Tokenizer tokenizer = Vocabularies.Qwen3();
        Assert.Equal(151669, tokenizer.VocabularySize);
        Assert.Null(tokenizer.BeginOfText);
        Assert.Equal(new TokenId(151645), tokenizer.EndOfText);
        Assert.Contains(new TokenId(151643), tokenizer.EndOfGeneration);
        Assert.Contains(new TokenId(151645), tokenizer.EndOfGeneration);
        Assert.DoesNotContain(new TokenId(151644), tokenizer.EndOfGeneration);
        Assert.True(tokenizer.IsSpecial(new TokenId(151644)));
        Assert.False(tokenizer.IsSpecial(new TokenId(151667)));
        Assert.Equal("Ġ", tokenizer.PieceOf(new TokenId(220)));
        Assert.Equal(" "u8, tokenizer.BytesOf(new TokenId(220)));
    }

    private static Tokenizer Open(string name) => name == "qwen3" ? Vocabularies.Qwen3() : Vocabularies.Small(name);

    private static JsonElement[] Cases(string name)
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(TestData.PathOf("tokenizers", $"{name}.json")));
        JsonElement[] cases = [.. document.RootElement.Clone().EnumerateArray()];
        Assert.NotEmpty(cases);
        return cases;
    }

    private static int[] Ids(JsonElement item, string member, int[]? absent = null) =>
        item.TryGetProperty(member, out JsonElement ids) ? [.. ids.EnumerateArray().Select(id => id.GetInt32())] : absent!;
}
