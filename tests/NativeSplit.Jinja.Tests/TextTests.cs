using System.Text.Json.Nodes;

namespace NativeSplit.Jinja.Tests;

/// <summary>Every character's case and white space, and numbers of every size, against what the reference recorded.</summary>
public sealed class TextTests
{
    private static readonly Lazy<JsonObject> Recorded = new(() => (JsonObject)Recording.Read("recorded.json")["characters"]!);

    [Theory]
    [InlineData("upper")]
    [InlineData("lower")]
    public void Case_EqualsReference_ForEveryCharacter(string filter)
    {
        JinjaTemplate template = JinjaTemplate.Parse($"{{{{ c|{filter} }}}}");
        Dictionary<string, string> changed = Recorded.Value[filter]!.AsObject().ToDictionary(entry => entry.Key, entry => (string)entry.Value!);
        List<string> failures = [];
        foreach (string text in Characters())
        {
            string expected = changed.GetValueOrDefault(text, text);
            string actual = template.Render(new JsonObject { ["c"] = text });
            if (actual != expected)
            {
                failures.Add($"U+{(int)text[0]:X4} {expected} {actual}");
            }
        }

        Assert.True(failures.Count == 0, $"{failures.Count}: {string.Join(", ", failures.Take(40))}");
    }

    [Fact]
    public void Trim_EqualsReference_ForEveryCharacter()
    {
        JinjaTemplate template = JinjaTemplate.Parse("{{ c|trim|length }}");
        string white = string.Concat(Characters().Where(text => template.Render(new JsonObject { ["c"] = text }) == "0"));

        Assert.Equal((string)Recorded.Value["white"]!, white);
    }

    [Fact]
    public void Print_EqualsReference_ForNumbersOfEverySize()
    {
        JinjaTemplate template = JinjaTemplate.Parse("{{ x }}|{{ x|tojson }}|{{ '' ~ x }}");
        foreach (JsonNode? row in Recorded.Value["numbers"]!.AsArray())
        {
            double number = BitConverter.Int64BitsToDouble(long.Parse((string)row!["bits"]!, System.Globalization.CultureInfo.InvariantCulture));

            Assert.Equal((string)row["output"]!, template.Render(new JsonObject { ["x"] = number }));
        }
    }

    /// <summary>The basic plane, without surrogates and the letters that Unicode has had only since version 16.</summary>
    private static IEnumerable<string> Characters() =>
        Enumerable.Range(1, 0xFFFF).Where(code => code is (< 0xD800 or > 0xDFFF) and (< 0xA7CE or > 0xA7D5)).Select(code => ((char)code).ToString());
}
