using System.Text.Json.Nodes;
using NativeSplit.Model.Tokenization;
using NativeSplit.Testing;

namespace NativeSplit.Model.Tests.Templates;

/// <summary>Chats given as messages against the recorded output of @huggingface/jinja.</summary>
public sealed class ChatTemplateReferenceTests
{
    /// <summary>Chats with fields that no message or call has, such as <c>enable_thinking</c>, or content that is no string.</summary>
    private static bool CanBeGiven(JsonObject chat) =>
        chat.All(field => field.Key is "name" or "messages" or "tools")
        && chat["messages"]!.AsArray().All(message => !message!.AsObject().ContainsKey("reasoning_content")
            && message["content"]?.GetValueKind() is null or System.Text.Json.JsonValueKind.String);

    public static TheoryData<string> Templates =>
        [.. Directory.GetFiles(TestData.PathOf("templates"), "*.jinja").Select(path => Path.GetFileNameWithoutExtension(path)).Order()];

    [Theory]
    [MemberData(nameof(Templates))]
    public void Render_EqualsReference_WhenChatIsGivenAsMessages(string name)
    {
        ChatTemplate template = new(ReadText(name + ".jinja"), new TwoTokenTokenizer(), FixedClock.Instance);
        JsonArray recorded = JsonNode.Parse(ReadText("recorded.json"))!["templates"]![name]!.AsArray();
        Dictionary<string, JsonObject> chats = JsonNode.Parse(ReadText("chats.json"))!.AsArray()
            .Select(chat => (JsonObject)chat!).Where(CanBeGiven).ToDictionary(chat => (string)chat["name"]!);
        List<string> failures = [];
        foreach (JsonNode? expected in recorded)
        {
            if (chats.TryGetValue((string)expected!["chat"]!, out JsonObject? chat)
                && Departure(template, chat, (JsonObject)expected) is { } departure)
            {
                failures.Add($"{expected["chat"]}: {departure}");
            }
        }

        Assert.True(chats.Count > 25);
        Assert.True(failures.Count == 0, string.Join("\n\n", failures.Take(5)));
    }

    /// <summary>
    /// How a template departs from the recording; null if it doesn't, or if the recording has no word on it: the reference failed, or wrote
    /// <c>[object Map]</c> for arguments, or was given arguments as a string, which here become a dict.
    /// </summary>
    private static string? Departure(ChatTemplate template, JsonObject chat, JsonObject expected)
    {
        string? output = (string?)expected["output"];
        string? raised = (string?)expected["raised"];
        if ((output is null && raised is null) || output?.Contains("[object Map]", StringComparison.Ordinal) == true
            || (string)chat["name"]! == "tool call, arguments as a string")
        {
            return null;
        }

        string actual;
        try
        {
            actual = template.Render(MessagesOf(chat), chat["tools"]?.AsArray(), (bool)expected["add_generation_prompt"]!);
        }
        catch (ModelException error) when (raised is not null && error.Message.Contains(": " + raised + " (line ", StringComparison.Ordinal))
        {
            return null;
        }

        return actual == output ? null : $"expected {output ?? raised}\nactual   {actual}";
    }

    private static List<ChatMessage> MessagesOf(JsonObject chat) =>
    [
        .. chat["messages"]!.AsArray().Select(message => new ChatMessage((string)message!["role"]!, (string?)message["content"])
        {
            Name = (string?)message["name"],
            ToolCalls = message["tool_calls"]?.AsArray(),
            ToolCallId = (string?)message["tool_call_id"],
        }),
    ];

    private static string ReadText(string file) => File.ReadAllText(TestData.PathOf("templates", file));

    /// <summary>The clock of the recordings.</summary>
    private sealed class FixedClock : TimeProvider
    {
        public static readonly FixedClock Instance = new();

        public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

        public override DateTimeOffset GetUtcNow() => new(2024, 7, 4, 9, 5, 0, TimeSpan.Zero);
    }
}
