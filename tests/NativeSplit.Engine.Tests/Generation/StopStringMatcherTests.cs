using System.Text;
using NativeSplit.Engine.Generation;

namespace NativeSplit.Engine.Tests.Generation;

public class StopStringMatcherTests
{
    [Theory]
    [InlineData("one stop two", "stop", "one ")]
    [InlineData("stop", "stop", "")]
    [InlineData("no end", "stop", "no end")]
    [InlineData("sto", "stop", "sto")]
    [InlineData("sstostop!", "stop", "ssto")]
    [InlineData("aab", "ab", "a")]
    [InlineData("aaaab", "aab", "aa")]
    [InlineData("abababac", "ababac", "ab")]
    [InlineData("x\n\nUser: y", "\n\nUser:", "x")]
    [InlineData("grüße 🙂🙃 end", "🙃", "grüße 🙂")]
    [InlineData("STOP", "stop", "STOP")]
    public void Append_CutsBeforeTheStopString_HoweverTheTextIsCutIntoPieces(string text, string stop, string expected)
    {
        for (int piece = 1; piece <= text.Length; piece++)
        {
            Assert.Equal(expected, Run(text, piece, stop));
        }
    }

    [Theory]
    [InlineData("xabcy", "x", "abc", "bc")]    // Complete together: the one that began first.
    [InlineData("xabcdy", "xab", "abcd", "c")] // "c" is complete before "abcd".
    [InlineData("abd", "abd", "abc", "bcd")]
    public void Append_TakesTheStopStringThatIsCompleteFirst_HoweverTheTextIsCutIntoPieces(string text, string expected, params string[] stops)
    {
        for (int piece = 1; piece <= text.Length; piece++)
        {
            Assert.Equal(expected, Run(text, piece, stops));
        }
    }

    [Fact]
    public void Append_HoldsBackOnlyWhatMayBecomeAStopString_AtEveryStep()
    {
        var matcher = new StopStringMatcher(["<end>"]);

        Assert.Equal("a", matcher.Append("a<e"));
        Assert.Equal("", matcher.Append("n"));
        Assert.Equal("<enemy", matcher.Append("emy"));
        Assert.Equal("", matcher.Append("<"));
        Assert.Equal("<", matcher.Append("<en"));
        Assert.False(matcher.IsMatched);
        Assert.Equal("", matcher.Append("d> and more"));
        Assert.True(matcher.IsMatched);
        Assert.Equal("", matcher.Append("nothing passes now"));
        Assert.Equal("", matcher.Finish());
    }

    [Fact]
    public void Finish_GivesBackTheHeldText_WhenNoStopStringCame()
    {
        var matcher = new StopStringMatcher(["stop"]);

        Assert.Equal("go ", matcher.Append("go sto"));
        Assert.Equal("sto", matcher.Finish());
        Assert.Equal("", matcher.Finish());
    }

    [Fact]
    public void Append_AgreesWithASearchOfTheWholeText_OnRandomTexts()
    {
        var random = new Random(5);
        for (int run = 0; run < 3000; run++)
        {
            string text = Letters(random, random.Next(0, 14));
            string[] stops = [.. Enumerable.Range(0, random.Next(1, 4)).Select(_ => Letters(random, random.Next(1, 5)))];

            // The specification: the least end of any occurrence; of those, the least start.
            string expected = text;
            var ends = from stop in stops
                       let start = text.IndexOf(stop, StringComparison.Ordinal)
                       where start >= 0
                       orderby start + stop.Length, start
                       select start;
            if (ends.Any())
            {
                expected = text[..ends.First()];
            }

            Assert.True(expected == Run(text, random.Next(1, 5), stops), $"text {text}, stops {string.Join(' ', stops)}");
        }
    }

    [Fact]
    public void Constructor_Refuses_WhenAStopStringIsEmptyOrCutsACharacter()
    {
        // Not as inline data: an attribute can't carry an unpaired surrogate.
        Assert.All<string>(["", "a\ud83d", "\ude42", "\ude42\ud83d"], stop =>
            Assert.Throws<ArgumentException>(() => new StopStringMatcher(["fine", stop])));
    }

    private static string Letters(Random random, int length) =>
        string.Create(length, random, (span, source) =>
        {
            foreach (ref char c in span)
            {
                c = (char)('a' + source.Next(3));
            }
        });

    private static string Run(string text, int piece, params string[] stops)
    {
        var matcher = new StopStringMatcher(stops);
        var shown = new StringBuilder();
        for (int i = 0; i < text.Length && !matcher.IsMatched; i += piece)
        {
            shown.Append(matcher.Append(text.Substring(i, Math.Min(piece, text.Length - i))));
        }

        return shown.Append(matcher.Finish()).ToString();
    }
}
