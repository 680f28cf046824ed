using System.Text.Json.Nodes;

namespace NativeSplit.Jinja.Tests;

/// <summary>Small templates, one construct each, against the recorded output of the references.</summary>
public sealed class ReferenceSnippetTests
{
    [Fact]
    public void Render_EqualsReference_ForEverySnippet()
    {
        JsonArray cases = Recording.Read("recorded.json")["snippets"]!.AsArray();
        IReadOnlyDictionary<int, JsonObject> fallback = Recording.ByIndex(Recording.Read("recorded-jinja2.json")["snippets"]);
        JsonObject snippets = Recording.Read("snippets.json");
        JsonObject values = (JsonObject)snippets["values"]!;
        JsonObject differences = (JsonObject)snippets["differences"]!;
        List<string> failures = [];
        for (int i = 0; i < cases.Count; i++)
        {
            JsonObject recorded = (JsonObject)cases[i]!;
            string source = (string)recorded["template"]!;
            Expectation expected = differences[source] is JsonObject difference
                ? Expectation.Of(difference, null)
                : Expectation.Of(recorded, fallback.GetValueOrDefault(i));
            if (expected.Check(source, values) is { } departure)
            {
                failures.Add($"{source}\n{departure}");
            }
        }

        Assert.True(cases.Count > 400);
        Assert.True(failures.Count == 0, $"{failures.Count} of {cases.Count} differ:\n{string.Join("\n\n", failures)}");
    }
}
