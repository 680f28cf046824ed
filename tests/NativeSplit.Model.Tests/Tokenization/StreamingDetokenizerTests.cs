using System.Text;
using NativeSplit.Model.Tokenization;

namespace NativeSplit.Model.Tests.Tokenization;

/// <summary>Decoding piece by piece.</summary>
public class StreamingDetokenizerTests
{
    [Theory]
    [InlineData("")]
    [InlineData("C3")]
    [InlineData("E2 82")]
    [InlineData("F0 9F 98")]
    [InlineData("F0 9F 98 80")]
    [InlineData("80 80 41")]
    [InlineData("C0 AF E0 9F BF")]
    [InlineData("ED A0 80")]
    [InlineData("F4 90 80 80 F5 FF")]
    [InlineData("E2 82 41 F0 9F 41 F0 41")]
    [InlineData("F0 9F E2 82 AC C3 C3 A9")]
    public void Append_ReplacesInvalidBytes_AsTheRuntimeDecodesThemWhole(string hex)
    {
        byte[] bytes = Convert.FromHexString(hex.Replace(" ", string.Empty, StringComparison.Ordinal));
        AssertDecodesLikeWhole(Vocabularies.Small("llama2-style"), [.. bytes.Select(value => 3 + value)], bytes);
    }

    [Theory]
    [InlineData("E1 A0 C0 C3 A9", "\ufffd\ufffd\u00e9")]
    [InlineData("F0 80 80 41", "\ufffd\ufffd\ufffdA")]
    [InlineData("F1 80 80 E2 82", "\ufffd\ufffd")]
    public void Append_GivesOneReplacement_ForEachMaximalSubpart(string hex, string expected)
    {
        // Expected values: Unicode Standard 3.9, the WHATWG practice (table 3-8 and its kin).
        byte[] bytes = Convert.FromHexString(hex.Replace(" ", string.Empty, StringComparison.Ordinal));
        Assert.Equal(expected, TokenizerAssert.Decode(Vocabularies.Small("llama2-style"), bytes.Select(value => 3 + value)));
    }

    [Fact]
    public void Append_DecodesLikeWhole_ForRandomTokens()
    {
        int seed = Random.Shared.Next();
        var random = new Random(seed);
        foreach (Tokenizer tokenizer in (Tokenizer[])[Vocabularies.Roadside(), Vocabularies.Small("llama3-style"), Vocabularies.Small("llama2-style")])
        {
            for (int round = 0; round < 200; round++)
            {
                int[] ids = [.. Enumerable.Range(0, random.Next(40)).Select(_ => random.Next(tokenizer.VocabularySize)).Where(id => !tokenizer.IsSpecial(new TokenId(id)))];
                byte[] bytes = [.. ids.SelectMany(id => tokenizer.BytesOf(new TokenId(id)).ToArray())];
                AssertDecodesLikeWhole(tokenizer, ids, bytes);
            }
        }
    }

    [Fact]
    public void Append_GivesTheCharacterWhole_WhenItComesByteByByte()
    {
        StreamingDetokenizer stream = Vocabularies.Small("llama2-style").CreateDetokenizer(printSpecial: false);
        string[] pieces = [.. Encoding.UTF8.GetBytes("é€😀").Select(value => stream.Append(new TokenId(3 + value)))];
        Assert.Equal(["", "é", "", "", "€", "", "", "", "😀"], pieces);
        Assert.Equal(string.Empty, stream.Finish());
    }

    [Fact]
    public void Finish_GivesAReplacement_WhenACharacterIsIncomplete()
    {
        StreamingDetokenizer stream = Vocabularies.Small("llama2-style").CreateDetokenizer(printSpecial: false);
        Assert.Equal(string.Empty, stream.Append(new TokenId(3 + 0xF0)) + stream.Append(new TokenId(3 + 0x9F)));
        Assert.Equal("\ufffd", stream.Finish());
        Assert.Equal(string.Empty, stream.Finish());
    }

    [Fact]
    public void Append_DropsTheSpaceOfTheTokenizer_AtTheStartOnly()
    {
        Tokenizer tokenizer = Vocabularies.Small("llama2-style");
        int[] ids = [.. tokenizer.Encode(" the the", TokenizerAssert.AddedAndParsed).Select(id => id.Value)];
        Assert.Equal(" the the", TokenizerAssert.Decode(tokenizer, ids));
        StreamingDetokenizer further = tokenizer.CreateDetokenizer(printSpecial: false, continuesText: true);
        Assert.Equal("  the the", string.Concat(ids.Select(id => further.Append(new TokenId(id)))) + further.Finish());
    }

    [Fact]
    public void Append_LeavesSpecialTokensOut_UnlessAsked()
    {
        Tokenizer tokenizer = Vocabularies.Roadside();
        int[] ids = [.. tokenizer.Encode("a<|eos|>b", TokenizerAssert.AddedAndParsed).Select(id => id.Value)];
        Assert.Equal("ab", TokenizerAssert.Decode(tokenizer, ids));
        Assert.Equal("<|bos|>a<|eos|>b", TokenizerAssert.Decode(tokenizer, ids, printSpecial: true));
    }

    [Fact]
    public void Append_Throws_ForATokenThatIsNotThere()
    {
        StreamingDetokenizer stream = Vocabularies.Roadside().CreateDetokenizer(printSpecial: false);
        Assert.Throws<ArgumentOutOfRangeException>(() => stream.Append(new TokenId(1024)));
    }

    [Fact]
    public void Append_AllocatesItsStringsOnly()
    {
        Tokenizer tokenizer = Vocabularies.Roadside();
        TokenId[] ids = [.. tokenizer.Encode("One 🚀 two é three; " + new string('x', 40), TokenizerAssert.Plain)];
        StreamingDetokenizer stream = tokenizer.CreateDetokenizer(printSpecial: false);
        long strings = 0;
        long before = 0;
        for (int round = 0; round < 3; round++)
        {
            strings = 0;
            before = GC.GetAllocatedBytesForCurrentThread();
            foreach (TokenId id in ids)
            {
                // A string is a header and a length, its UTF-16 units and a terminator, rounded up to 8 bytes.
                string text = stream.Append(id);
                strings += text.Length == 0 ? 0 : (22 + (2 * text.Length) + 7) & ~7;
            }

            before = GC.GetAllocatedBytesForCurrentThread() - before;
        }

        Assert.InRange(before, 1, strings);
    }

    private static void AssertDecodesLikeWhole(Tokenizer tokenizer, int[] ids, byte[] bytes)
    {
        StreamingDetokenizer stream = tokenizer.CreateDetokenizer(printSpecial: false, continuesText: true);
        string[] pieces = [.. ids.Select(id => stream.Append(new TokenId(id))), stream.Finish()];
        string whole = Encoding.UTF8.GetString(bytes);
        Assert.True(whole == string.Concat(pieces), $"{Convert.ToHexString(bytes)}: {TokenizerAssert.Escape(string.Concat(pieces))}");
        foreach (string piece in pieces)
        {
            Assert.Equal(piece, Utf16.ReplaceUnpaired(piece));
        }
    }
}
