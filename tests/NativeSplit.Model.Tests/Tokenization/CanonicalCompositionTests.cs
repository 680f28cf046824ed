using System.Text.Json;
using NativeSplit.Model.Tokenization;
using NativeSplit.Testing;

namespace NativeSplit.Model.Tests.Tokenization;

/// <summary>Normal form C against ICU's (<c>tests/data/tokenizers/record-normalization.mjs</c>).</summary>
public class CanonicalCompositionTests
{
    [Theory]
    [InlineData("single")]
    [InlineData("mixed")]
    public void Normalize_GivesTheFormOfIcu_ForRecordedText(string group)
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(TestData.PathOf("tokenizers", "normalization.json")));
        foreach (JsonElement pair in document.RootElement.GetProperty(group).EnumerateArray())
        {
            string text = pair[0].GetString()!;
            Assert.True(pair[1].GetString() == CanonicalComposition.Normalize(text), $"'{TokenizerAssert.Escape(text)}'");
        }
    }

    [Fact]
    public void Normalize_LeavesEveryOtherCharacterAlone()
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(TestData.PathOf("tokenizers", "normalization.json")));
        HashSet<string> changed = [.. document.RootElement.GetProperty("single").EnumerateArray().Select(pair => pair[0].GetString()!)];
        for (int point = 0; point <= 0x10FFFF; point++)
        {
            if (point is < 0xD800 or > 0xDFFF && char.ConvertFromUtf32(point) is var text && !changed.Contains(text))
            {
                Assert.Equal(text, CanonicalComposition.Normalize(text));
            }
        }
    }

    [Fact]
    public void Normalize_GivesTheSameInstance_WhenNothingCanChange()
    {
        string text = new(['p', 'l', 'a', 'i', 'n', '\u00e9']);
        Assert.Same(text, CanonicalComposition.Normalize(text));
    }

    [Fact]
    public void Normalize_OrdersALongRunOfMarks()
    {
        // U+0301 (class 230) and U+0323 (class 220) in turn: all dots come first, and only the first of each composes with the letter.
        string text = "a" + string.Concat(Enumerable.Repeat("\u0301\u0323", 50_000));
        string expected = "\u1EA1" + new string('\u0323', 49_999) + new string('\u0301', 50_000);
        Assert.Equal(expected, CanonicalComposition.Normalize(text));
    }
}
