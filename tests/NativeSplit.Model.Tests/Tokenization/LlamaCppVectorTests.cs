using System.Text;
using System.Text.Json;
using NativeSplit.Model.Tokenization;
using NativeSplit.Testing;

namespace NativeSplit.Model.Tests.Tokenization;

/// <summary>Ids and text against those that llama.cpp gave for its own vocabularies.</summary>
public class LlamaCppVectorTests
{
    [Theory]
    [InlineData("llama-spm")]
    [InlineData("gpt-2")]
    public void Encode_GivesTheIdsOfLlamaCpp_ForEveryVector(string name)
    {
        Tokenizer tokenizer = Vocabularies.LlamaCpp(name);
        foreach (JsonElement vector in Vectors(name))
        {
            string text = Text(vector, "utf8_hex");
            TokenizerAssert.Encodes(tokenizer, text, TokenizerAssert.Plain, Ids(vector, "ids"));
            TokenizerAssert.Encodes(tokenizer, text, TokenizerAssert.Parsed, Ids(vector, "ids_parse_special"));
            TokenizerAssert.Encodes(tokenizer, text, TokenizerAssert.Added, Ids(vector, "ids_add_special"));
            TokenizerAssert.Encodes(tokenizer, text, TokenizerAssert.AddedAndParsed, Ids(vector, "ids_add_special_parse_special"));
        }
    }

    [Theory]
    [InlineData("llama-spm")]
    [InlineData("gpt-2")]
    public void Detokenizer_GivesTheTextOfLlamaCpp_ForEveryVector(string name)
    {
        Tokenizer tokenizer = Vocabularies.LlamaCpp(name);
        foreach (JsonElement vector in Vectors(name))
        {
            Assert.Equal(Text(vector, "detokenized_hex_of_ids"), TokenizerAssert.Decode(tokenizer, Ids(vector, "ids")));
            Assert.Equal(
                Text(vector, "detokenized_hex_of_ids_add_special_parse_special_with_specials_printed"),
                TokenizerAssert.Decode(tokenizer, Ids(vector, "ids_add_special_parse_special"), printSpecial: true));
        }
    }

    [Theory]
    [InlineData("llama-spm")]
    [InlineData("gpt-2")]
    [InlineData("phi-3")]
    public void Encode_GivesTheIdsOfLlamaCpp_ForItsOwnTests(string name)
    {
        Tokenizer tokenizer = Vocabularies.LlamaCpp(name);
        string input = File.ReadAllText(TestData.SharedPathOrSkip("golden", "tokenizer", $"ggml-vocab-{name}.gguf.inp"));
        string[] expected = File.ReadAllText(TestData.SharedPathOrSkip("golden", "tokenizer", $"ggml-vocab-{name}.gguf.out")).Split('\n');
        string[] texts = input.Split("\n__ggml_vocab_test__\n");
        Assert.Equal(47, texts.Length);
        for (int i = 0; i < texts.Length - 1; i++)
        {
            int[] ids = [.. expected[i].Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(int.Parse)];
            TokenizerAssert.Encodes(tokenizer, texts[i], TokenizerAssert.Plain, ids);
        }
    }

    [Fact]
    public void Properties_AreThoseOfTheFile_ForLlama()
    {
        Tokenizer tokenizer = Vocabularies.LlamaCpp("llama-spm");
        Assert.Equal(32000, tokenizer.VocabularySize);
        Assert.Equal(new TokenId(1), tokenizer.BeginOfText);
        Assert.Equal(new TokenId(2), tokenizer.EndOfText);
        Assert.Equal([new TokenId(2)], tokenizer.EndOfGeneration);
        Assert.True(tokenizer.IsSpecial(new TokenId(0)));
        Assert.True(tokenizer.IsSpecial(new TokenId(1)));
        Assert.False(tokenizer.IsSpecial(new TokenId(263)));
        Assert.Equal("▁a", tokenizer.PieceOf(new TokenId(263)));
        Assert.Equal(" a"u8, tokenizer.BytesOf(new TokenId(263)));
        Assert.Equal([0x0A], tokenizer.BytesOf(new TokenId(13)).ToArray());
        Assert.Throws<ArgumentOutOfRangeException>(() => tokenizer.PieceOf(new TokenId(32000)));
        Assert.Throws<ArgumentOutOfRangeException>(() => tokenizer.IsSpecial(new TokenId(-1)));
    }

    private static JsonElement[] Vectors(string name)
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(TestData.PathOf("golden", "tokenizer", $"{name}.json")));
        JsonElement[] cases = [.. document.RootElement.GetProperty("cases").Clone().EnumerateArray()];
        Assert.NotEmpty(cases);
        return cases;
    }

    private static string Text(JsonElement vector, string member) =>
        Encoding.UTF8.GetString(Convert.FromHexString(vector.GetProperty(member).GetString()!));

    private static int[] Ids(JsonElement vector, string member) => [.. vector.GetProperty(member).EnumerateArray().Select(id => id.GetInt32())];
}
