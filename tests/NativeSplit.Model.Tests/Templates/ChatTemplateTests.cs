using System.Text.Json.Nodes;
using NativeSplit.Model.Tokenization;
using NativeSplit.Testing;

namespace NativeSplit.Model.Tests.Templates;

/// <summary>What a chat template is given, and how it fails.</summary>
public sealed class ChatTemplateTests
{
    [Fact]
    public void Render_GivesTokens_AsTheVocabularySpellsThem()
    {
        Assert.Equal("[<s>|</s>]", Render("[{{ bos_token }}|{{ eos_token }}]"));
        Assert.Equal("[|]", new ChatTemplate("[{{ bos_token }}|{{ eos_token }}]", new TwoTokenTokenizer(hasEnds: false)).Render([], null, false));
    }

    [Fact]
    public void Render_LeavesUnsetFieldsUndefined()
    {
        const string Source = "{{ messages[0].keys()|join(',') }} {{ messages[1].keys()|join(',') }} {{ tools is defined }} {{ pad_token is defined }}";

        string text = Render(Source, new ChatMessage("user", "x"), new ChatMessage("tool", null) { Name = "n", ToolCalls = [], ToolCallId = "i" });

        Assert.Equal("role,content role,content,name,tool_calls,tool_call_id false false", text);
    }

    [Theory]
    [InlineData("{{ messages[0].tool_calls[0].function.arguments is mapping }}", "true")]
    [InlineData("{{ messages[0].tool_calls[0].function.arguments.city }}", "Paris")]
    [InlineData("{{ messages[0].tool_calls[0].function.arguments|tojson }}", "{\"city\": \"Paris\", \"n\": [1, 2.5]}")]
    [InlineData("{{ '' + messages[0].tool_calls[0].function.arguments }}", "{\"city\":\"Paris\",  \"n\":[1,2.5]}")]
    [InlineData("{{ messages[0].tool_calls[0]|tojson }}", "{\"id\": \"c1\", \"type\": \"function\", \"function\": {\"name\": \"f\", \"arguments\": {\"city\": \"Paris\", \"n\": [1, 2.5]}}}")]
    public void Render_GivesArgumentsAsDict_WhenTheyComeAsText(string source, string expected) =>
        Assert.Equal(expected, Render(source, CallWith("{\"city\":\"Paris\",  \"n\":[1,2.5]}")));

    [Theory]
    [InlineData("not JSON")]
    [InlineData("")]
    [InlineData("[1]")]
    [InlineData("{\"a\": 1, \"a\": 2}")]
    [InlineData("{\"a\": 1")]
    public void Render_GivesArgumentsAsText_WhenTheyAreNoObject(string arguments) =>
        Assert.Equal(arguments + "|true", Render("{{ messages[0].tool_calls[0].function.arguments }}|{{ messages[0].tool_calls[0].function.arguments is string }}", CallWith(arguments)));

    [Fact]
    public void Render_WritesArgumentsAsTheyCame_WhenTemplateWantsText()
    {
        string text = Render(ReadTemplate("deepseek-r1-distill"), new ChatMessage("user", "Weather?"), CallWith("{\"city\":\"Paris\"}"));

        Assert.Contains("```json\n{\"city\":\"Paris\"}\n```", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("qwen-3", "<|im_start|>assistant\n<think>\n\n</think>\n\n<tool_call>")]
    [InlineData("deepseek-r1-distill", "<｜tool▁calls▁end｜><｜end▁of▁sentence｜>")]
    public void Render_Works_WhenContentIsAbsent(string template, string expected)
    {
        string text = Render(ReadTemplate(template), new ChatMessage("user", "Hi"), CallWith("{}") with { Content = null });

        Assert.Contains(expected, text, StringComparison.Ordinal);
        Assert.DoesNotContain("<｜end▁of▁sentence｜><｜Assistant｜>", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Render_Throws_WhenTemplateRefusesTheChat()
    {
        ModelException error = Assert.Throws<ModelException>(() => Render(ReadTemplate("gemma-it"), new ChatMessage("system", "x")));

        Assert.Equal(ModelFault.Template, error.Fault);
        Assert.Equal("The model's chat template refuses this chat: System role not supported (line 3, column 23 of the template).", error.Message);
    }

    [Fact]
    public void Render_Throws_WhenTemplateFails()
    {
        ModelException error = Assert.Throws<ModelException>(() => Render("a\n{{ messages.nope() }}"));

        Assert.Equal(ModelFault.Template, error.Fault);
        Assert.Contains("'messages.nope' is undefined and can't be called (line 2, column 17 of the template)", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Render_Throws_WhenToolsHoldTheSameKeyTwice()
    {
        JsonArray tools = JsonNode.Parse("[{\"a\": 1, \"a\": 2}]")!.AsArray();
        ChatTemplate template = new("{{ tools }}", new TwoTokenTokenizer());

        Assert.Equal(ModelFault.Template, Assert.Throws<ModelException>(() => template.Render([], tools, false)).Fault);
    }

    [Theory]
    [InlineData("{% if x %}", "'endif' is missing")]
    [InlineData("\n{% include 'x' %}", "The statement 'include' isn't supported (line 2, column 4 of the template)")]
    public void Constructor_Throws_WhenTemplateCannotBeUsed(string source, string expected)
    {
        ModelException error = Assert.Throws<ModelException>(() => new ChatTemplate(source, new TwoTokenTokenizer()));

        Assert.Equal(ModelFault.Template, error.Fault);
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }

    private static ChatMessage CallWith(string arguments) => new("assistant", string.Empty)
    {
        ToolCalls =
        [
            new JsonObject
            {
                ["id"] = "c1",
                ["type"] = "function",
                ["function"] = new JsonObject { ["name"] = "f", ["arguments"] = arguments },
            },
        ],
    };

    private static string Render(string source, params ReadOnlySpan<ChatMessage> messages) =>
        new ChatTemplate(source, new TwoTokenTokenizer()).Render(messages.ToArray(), null, false);

    private static string ReadTemplate(string name) => File.ReadAllText(TestData.PathOf("templates", name + ".jinja"));
}
