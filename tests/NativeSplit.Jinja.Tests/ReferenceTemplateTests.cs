using System.Text.Json.Nodes;
using NativeSplit.Testing;

namespace NativeSplit.Jinja.Tests;

/// <summary>Published chat templates against the recorded output of the references, byte for byte.</summary>
public sealed class ReferenceTemplateTests
{
    /// <summary>What @huggingface/jinja writes for a dict joined to a string. Here that is an error.</summary>
    private const string JoinedDict = "[object Map]";

    /// <summary>Lists and dicts print as in @huggingface/jinja, also where only Jinja2 for Python renders the case.</summary>
    private static readonly (string Python, string Here)[] Prints =
    [
        ("{'hits': [1, 'a']}", "{\"hits\": [1, \"a\"]}"),
        ("[{'type': 'text', 'text': 'What is '}, {'type': 'image'}, {'type': 'text', 'text': 'this?'}]",
            "[{\"type\": \"text\", \"text\": \"What is \"}, {\"type\": \"image\"}, {\"type\": \"text\", \"text\": \"this?\"}]"),
    ];

    /// <summary>
    /// Cases that @huggingface/jinja can't render and that Jinja2 for Python sees otherwise than the rest of the recording asks for:
    /// it compares dicts by content, refuses to join a list to a string, and fails on a member of something undefined.
    /// </summary>
    private static readonly (string Template, string Chat)[] Undecided =
    [
        ("hermes-3-tool-use", "content in parts"),
        ("mistral-small-3.1", "same text twice, tools"),
        ("mistral-small-3.1", "no messages"),
        ("mistral-small-3.1", "no messages, tools"),
    ];

    private static readonly Lazy<JsonObject> Recorded = new(() => Recording.Read("recorded.json"));
    private static readonly Lazy<JsonObject> Fallback = new(() => Recording.Read("recorded-jinja2.json"));

    public static TheoryData<string> Templates =>
        [.. Directory.GetFiles(TestData.PathOf("templates"), "*.jinja").Select(path => Path.GetFileNameWithoutExtension(path)).Order()];

    [Theory]
    [MemberData(nameof(Templates))]
    public void Render_EqualsReference_ForEveryChat(string name)
    {
        string source = Recording.ReadText(name + ".jinja");
        Dictionary<string, JsonObject> chats =
            JsonNode.Parse(Recording.ReadText("chats.json"))!.AsArray().ToDictionary(chat => (string)chat!["name"]!, chat => (JsonObject)chat!);
        IReadOnlyDictionary<int, JsonObject> fallback = Recording.ByIndex(Fallback.Value["templates"]![name]);
        JsonArray cases = Recorded.Value["templates"]![name]!.AsArray();
        List<string> failures = [];
        for (int i = 0; i < cases.Count; i++)
        {
            JsonObject recorded = (JsonObject)cases[i]!;
            if (recorded.ContainsKey("failed") && Undecided.Contains((name, (string)recorded["chat"]!)))
            {
                continue;
            }

            JsonObject values = ValuesOf(chats[(string)recorded["chat"]!], (bool)recorded["add_generation_prompt"]!);
            Expectation expected = Expectation.Of(recorded, fallback.GetValueOrDefault(i));
            expected = expected.Output?.Contains(JoinedDict, StringComparison.Ordinal) == true ? new Expectation(null, null) : expected;
            expected = recorded.ContainsKey("failed") ? expected with { Output = AsPrintedHere(expected.Output) } : expected;
            if (expected.Check(source, values) is { } departure)
            {
                failures.Add($"{recorded["chat"]}, add_generation_prompt {recorded["add_generation_prompt"]}:\n{departure}");
            }
        }

        Assert.Equal(2 * chats.Count, cases.Count);
        Assert.True(failures.Count == 0, $"{failures.Count} of {cases.Count} differ:\n{string.Join("\n\n", failures.Take(5))}");
    }

    private static string? AsPrintedHere(string? output) =>
        Prints.Aggregate(output, (text, print) => text?.Replace(print.Python, print.Here, StringComparison.Ordinal));

    private static JsonObject ValuesOf(JsonObject chat, bool addGenerationPrompt)
    {
        JsonObject values = (JsonObject)chat.DeepClone();
        values.Remove("name");
        values["bos_token"] = "<s>";
        values["eos_token"] = "</s>";
        values["add_generation_prompt"] = addGenerationPrompt;
        return values;
    }
}
