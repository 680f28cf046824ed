using System.Text.Json;
using NativeSplit.Model.Tokenization;
using NativeSplit.Testing;

namespace NativeSplit.Model.Tests.Tokenization;

/// <summary>The shipped model's tokenizer, from both of its files, against ids that Hugging Face tokenizers gave.</summary>
public class RoadsideVectorTests
{
    public static TheoryData<bool> Files => [false, true];

    [Theory]
    [MemberData(nameof(Files))]
    public void Encode_GivesTheReferenceIds_ForEveryCase(bool gguf)
    {
        Tokenizer tokenizer = Open(gguf);
        using var document = JsonDocument.Parse(File.ReadAllBytes(TestData.PathOf("roadside", "tokenizer_cases.json")));
        foreach (JsonElement item in document.RootElement.EnumerateArray())
        {
            string text = item.GetProperty("text").GetString()!;
            int[] ids = [.. item.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32())];
            TokenizerAssert.Encodes(tokenizer, text, TokenizerAssert.Added, ids);
            Assert.Equal(text, TokenizerAssert.Decode(tokenizer, ids));
        }
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void Encode_GivesThePromptIds_OfTheGoldenGenerations(bool gguf)
    {
        Tokenizer tokenizer = Open(gguf);
        using var document = JsonDocument.Parse(File.ReadAllBytes(TestData.PathOf("roadside", "golden.json")));
        foreach (JsonElement item in document.RootElement.GetProperty("cases").EnumerateArray())
        {
            int[] ids = [.. item.GetProperty("prompt_ids").EnumerateArray().Select(id => id.GetInt32())];
            TokenizerAssert.Encodes(tokenizer, item.GetProperty("prompt").GetString()!, TokenizerAssert.AddedAndParsed, ids);
        }
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void Properties_AreThoseOfTheModel(bool gguf)
    {
        Tokenizer tokenizer = Open(gguf);
        Assert.Equal(1024, tokenizer.VocabularySize);
        Assert.Equal(new TokenId(0), tokenizer.BeginOfText);
        Assert.Equal(new TokenId(1), tokenizer.EndOfText);
        Assert.Equal([new TokenId(1)], tokenizer.EndOfGeneration);
        Assert.Equal("<|eos|>", tokenizer.PieceOf(new TokenId(1)));
        Assert.Equal("<|eos|>"u8, tokenizer.BytesOf(new TokenId(1)));
        Assert.True(tokenizer.IsSpecial(new TokenId(2)));
    }

    [Fact]
    public void Encode_TakesMarkersOfAUserAsText_UnlessAsked()
    {
        Tokenizer tokenizer = Vocabularies.Roadside();
        Assert.Contains(new TokenId(1), tokenizer.Encode("a<|eos|>b", TokenizerAssert.Parsed));
        Assert.DoesNotContain(new TokenId(1), tokenizer.Encode("a<|eos|>b", TokenizerAssert.Plain));
    }

    private static Tokenizer Open(bool gguf) => gguf ? Vocabularies.RoadsideGguf() : Vocabularies.Roadside();
}
