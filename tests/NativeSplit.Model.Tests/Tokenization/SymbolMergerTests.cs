using System.Text.Json.Nodes;
using NativeSplit.Model.Tokenization;
using NativeSplit.Testing;

namespace NativeSplit.Model.Tests.Tokenization;

/// <summary>Merging: its cost, and its result against the library's.</summary>
public class SymbolMergerTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(1000)]
    [InlineData(100_000)]
    public void Merge_AsksForEachMeetingOnce_HoweverLongTheWord(int length)
    {
        var symbols = new Symbol[length];
        for (int i = 0; i < length; i++)
        {
            symbols[i] = new Symbol { Start = i, Length = 1 };
        }

        var rule = new CountingRule();
        SymbolMerger.Merge(symbols, ref rule);
        Assert.Equal(length, symbols[0].Length);
        Assert.Equal(-1, symbols[0].Next);
        Assert.InRange(rule.Calls, length - 1, 3L * length);
    }

    [Fact]
    public void Encode_CopesWithAMillionLetters_WithoutASpace()
    {
        var random = new Random(1);
        string text = string.Create(1_000_000, random, (span, source) => source.GetItems("abcdefghijklmnopqrstuvwxyz", span));
        foreach (Tokenizer tokenizer in (Tokenizer[])[Vocabularies.Roadside(), Vocabularies.Small("llama2-style")])
        {
            IReadOnlyList<TokenId> ids = tokenizer.Encode(text, TokenizerAssert.Plain);
            Assert.Equal(text, TokenizerAssert.Decode(tokenizer, ids.Select(id => id.Value)));
        }
    }

    [Theory]
    [InlineData("llama3-style")]
    [InlineData("digits-style")]
    public void EncodeLong_EqualsTheLibrary_ForWordsThatBothCanEncode(string name)
    {
        ByteLevelEncoder encoder = ReadEncoder(name);
        int seed = Random.Shared.Next();
        var random = new Random(seed);
        for (int round = 0; round < 500; round++)
        {
            string word = RandomText.Create(random, ByteLevelEncoder.LongestLibraryWord / 2);
            if (word.Length is 0 or > ByteLevelEncoder.LongestLibraryWord)
            {
                continue;
            }

            List<TokenId> library = [];
            encoder.Encode(word, library);
            char[] letters = new char[3 * word.Length];
            List<TokenId> own = [];
            encoder.EncodeLong(letters.AsSpan(0, ByteAlphabet.Write(word, letters)), own);
            Assert.True(library.SequenceEqual(own), $"seed {seed}, round {round}: '{TokenizerAssert.Escape(word)}'");
        }
    }

    private static ByteLevelEncoder ReadEncoder(string name)
    {
        JsonNode model = JsonNode.Parse(File.ReadAllText(TestData.PathOf("tokenizers", name, "tokenizer.json")))!["model"]!;
        JsonObject vocabulary = model["vocab"]!.AsObject();
        string?[] pieces = new string?[vocabulary.Count];
        foreach ((string piece, JsonNode? id) in vocabulary)
        {
            pieces[(int)id!] = piece;
        }

        MergePair[] merges = [.. model["merges"]!.AsArray().Select(merge => new MergePair((string)merge![0]!, (string)merge[1]!))];
        return new ByteLevelEncoder(new PieceTable(pieces, name), merges, ignoreMerges: false, name);
    }

    /// <summary>Merges everything, the pair on the left first.</summary>
    private struct CountingRule : IMergeRule
    {
        public long Calls;

        public bool TryMerge(in Symbol left, in Symbol right, out uint order, out int id)
        {
            Calls++;
            order = 0;
            id = 0;
            return true;
        }
    }
}
