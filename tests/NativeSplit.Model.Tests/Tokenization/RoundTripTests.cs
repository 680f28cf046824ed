using System.Text;
using NativeSplit.Model.Tokenization;

namespace NativeSplit.Model.Tests.Tokenization;

/// <summary>Text, to ids and back.</summary>
public class RoundTripTests
{
    [Theory]
    [InlineData("roadside")]
    [InlineData("roadside.gguf")]
    [InlineData("llama3-style")]
    [InlineData("llama2-style")]
    [InlineData("llama-spm")]
    [InlineData("gpt-2")]
    public void Decode_GivesTheTextBack_ForRandomText(string name)
    {
        Tokenizer tokenizer = Open(name);
        int seed = Random.Shared.Next();
        var random = new Random(seed);
        for (int round = 0; round < 300; round++)
        {
            string text = RandomText.Create(random, 60).Replace('\u2581', ' ');
            int[] ids = [.. tokenizer.Encode(text, TokenizerAssert.Plain).Select(id => id.Value)];
            string decoded = TokenizerAssert.Decode(tokenizer, ids);
            Assert.True(text == decoded, $"seed {seed}, round {round}: '{TokenizerAssert.Escape(text)}' became '{TokenizerAssert.Escape(decoded)}'");
        }
    }

    [Fact]
    public void Decode_GivesTheNormalForm_WhenTheTokenizerNormalizes()
    {
        Tokenizer tokenizer = Vocabularies.Qwen3();
        int[] ids = [.. tokenizer.Encode("e\u0301 \u1112\u1161\u11ab \u212b", TokenizerAssert.Plain).Select(id => id.Value)];
        Assert.Equal("\u00e9 \ud55c \u00c5", TokenizerAssert.Decode(tokenizer, ids));
    }

    [Fact]
    public void Encode_ReplacesUnpairedSurrogates()
    {
        (string Text, string Expected)[] cases =
            [("a\ud800", "a\ufffd"), ("\udc00b", "\ufffdb"), ("\ud800\ud800\udc00\udc00", "\ufffd\ud800\udc00\ufffd")];
        foreach (Tokenizer tokenizer in (Tokenizer[])[Vocabularies.Roadside(), Vocabularies.Small("llama2-style")])
        {
            foreach ((string text, string expected) in cases)
            {
                int[] ids = [.. tokenizer.Encode(text, TokenizerAssert.Plain).Select(id => id.Value)];
                Assert.Equal(expected, TokenizerAssert.Decode(tokenizer, ids));
                TokenizerAssert.Encodes(tokenizer, expected, TokenizerAssert.Plain, ids);
            }
        }
    }

    [Fact]
    public void Encode_GivesTheSameIds_FromManyThreads()
    {
        Tokenizer tokenizer = Vocabularies.Roadside();
        var random = new Random(5);
        string[] texts = [.. Enumerable.Range(0, 200).Select(_ => RandomText.Create(random, 40))];
        TokenId[][] expected = [.. texts.Select(text => tokenizer.Encode(text, TokenizerAssert.Added).ToArray())];
        Parallel.For(0, 4 * texts.Length, new ParallelOptions { MaxDegreeOfParallelism = 8 }, i =>
        {
            int index = i % texts.Length;
            Assert.Equal(expected[index], tokenizer.Encode(texts[index], TokenizerAssert.Added));
        });
    }

    [Fact]
    public void Representatives_HaveTheirCategory()
    {
        foreach (var category in Enum.GetValues<System.Globalization.UnicodeCategory>())
        {
            char representative = CategoryShadow.RepresentativeOf(category);
            Assert.Equal(category, char.GetUnicodeCategory(representative));
            Assert.False(char.IsAscii(representative));
        }
    }

    [Fact]
    public void BytesOf_TheIdsOfAText_AreItsBytes()
    {
        Tokenizer tokenizer = Vocabularies.Roadside();
        const string Text = "héllo 🚀 wörld";
        byte[] bytes = [.. tokenizer.Encode(Text, TokenizerAssert.Plain).SelectMany(id => tokenizer.BytesOf(id).ToArray())];
        Assert.Equal(Encoding.UTF8.GetBytes(Text), bytes);
    }

    private static Tokenizer Open(string name) => name switch
    {
        "roadside" => Vocabularies.Roadside(),
        "roadside.gguf" => Vocabularies.RoadsideGguf(),
        "llama-spm" or "gpt-2" => Vocabularies.LlamaCpp(name),
        _ => Vocabularies.Small(name),
    };
}
