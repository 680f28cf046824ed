using System.Text.Json.Nodes;
using NativeSplit.Testing;

namespace NativeSplit.Jinja.Tests;

/// <summary>
/// What the references make of a case. <c>@huggingface/jinja</c> comes first; where it fails for its own limits, Jinja2 for Python
/// tells what the template means.
/// </summary>
internal sealed record Expectation(string? Output, string? Raised)
{
    /// <summary>Both references fail.</summary>
    public bool Fails => Output is null && Raised is null;

    public static Expectation Of(JsonObject recorded, JsonObject? fallback)
    {
        JsonObject source = recorded.ContainsKey("failed") && fallback is not null ? fallback : recorded;
        return new Expectation((string?)source["output"], (string?)source["raised"]);
    }

    /// <summary>Says how a template departs from the expectation; null if it doesn't.</summary>
    public string? Check(string source, JsonObject values)
    {
        string actual;
        try
        {
            actual = "output: " + JinjaTemplate.Parse(source).Render(values, FixedClock.Instance);
        }
        catch (JinjaException error)
        {
            actual = error.Fault == JinjaFault.Raised ? "raised: " + error.Detail : Fails ? "fails" : $"{error.Fault}: {error.Message}";
        }

        string expected = Output is not null ? "output: " + Output : Raised is not null ? "raised: " + Raised : "fails";
        return actual == expected ? null : $"expected {expected}\nactual   {actual}";
    }
}

/// <summary>The recordings in <c>tests/data/templates</c>.</summary>
internal static class Recording
{
    public static JsonObject Read(string file) => (JsonObject)JsonNode.Parse(ReadText(file))!;

    public static string ReadText(string file) => File.ReadAllText(TestData.PathOf("templates", file));

    /// <summary>Cases of Jinja2 for Python by their place among those of @huggingface/jinja.</summary>
    public static IReadOnlyDictionary<int, JsonObject> ByIndex(JsonNode? cases) =>
        (cases as JsonArray ?? []).ToDictionary(item => (int)item!["index"]!, item => (JsonObject)item!);
}
