using System.Text.Json;
using System.Text.Json.Nodes;
using NativeSplit.Jinja;

namespace NativeSplit.Model.Tokenization;

/// <summary>The Jinja template that turns a chat into the prompt a model was trained on. Immutable; safe from any thread.</summary>
/// <remarks>
/// Templates see <c>messages</c>, <c>tools</c> (undefined without tools), <c>add_generation_prompt</c>, <c>bos_token</c> and
/// <c>eos_token</c> (empty if the tokenizer has none), and <c>strftime_now</c>. The dialect is that of <see cref="JinjaTemplate"/>.
/// </remarks>
public sealed class ChatTemplate
{
    private static readonly JsonDocumentOptions StrictJson = new() { AllowDuplicateProperties = false };

    private readonly JinjaTemplate _template;
    private readonly string _beginOfText;
    private readonly string _endOfText;
    private readonly TimeProvider _clock;

    /// <summary>Parses a template.</summary>
    /// <param name="source">Jinja source, from the model file.</param>
    /// <param name="tokenizer">Gives <c>bos_token</c> and <c>eos_token</c>.</param>
    /// <param name="clock">Gives <c>strftime_now</c> its local time; null for the system's.</param>
    /// <exception cref="ModelException">The source can't be parsed or uses a construct outside the supported subset; the message names it and its line.</exception>
    public ChatTemplate(string source, Tokenizer tokenizer, TimeProvider? clock = null)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(tokenizer);
        try
        {
            _template = JinjaTemplate.Parse(source);
        }
        catch (JinjaException error)
        {
            throw new ModelException(ModelFault.Template, $"The model's chat template can't be used: {error.Message}.", error);
        }

        _beginOfText = tokenizer.BeginOfText is { } begin ? tokenizer.PieceOf(begin) : string.Empty;
        _endOfText = tokenizer.EndOfText is { } end ? tokenizer.PieceOf(end) : string.Empty;
        _clock = clock ?? TimeProvider.System;
    }

    /// <summary>Renders a chat. Encode the result with <c>AddSpecial: false, ParseSpecial: true</c>.</summary>
    /// <param name="messages">The chat so far.</param>
    /// <param name="tools">Tools on offer, as in the OpenAI API; null for none.</param>
    /// <param name="addGenerationPrompt">Whether to open the assistant's turn.</param>
    /// <exception cref="ModelException">The template refused the chat (<c>raise_exception</c>) or failed.</exception>
    /// <remarks>
    /// Templates differ in what they expect of a message without content: some test it for none, others use it as a string. It
    /// is none first, and empty if the template fails on that.
    /// </remarks>
    public string Render(IReadOnlyList<ChatMessage> messages, JsonArray? tools, bool addGenerationPrompt)
    {
        ArgumentNullException.ThrowIfNull(messages);
        try
        {
            try
            {
                return Render(messages, tools, addGenerationPrompt, absentContent: null);
            }
            catch (JinjaException error) when (error.Fault == JinjaFault.Runtime && messages.Any(message => message.Content is null))
            {
                return Render(messages, tools, addGenerationPrompt, absentContent: string.Empty);
            }
        }
        catch (JinjaException error)
        {
            string what = error.Fault == JinjaFault.Raised ? "The model's chat template refuses this chat" : "The model's chat template failed on this chat";
            throw new ModelException(ModelFault.Template, $"{what}: {error.Message}.", error);
        }
        catch (ArgumentException error)
        {
            throw new ModelException(ModelFault.Template, $"The tools or tool calls can't be given to the chat template: {error.Message}", error);
        }
    }

    private string Render(IReadOnlyList<ChatMessage> messages, JsonArray? tools, bool addGenerationPrompt, string? absentContent)
    {
        Dictionary<string, object?> values = new()
        {
            ["messages"] = messages.Select(message => ValuesOf(message, absentContent)),
            ["add_generation_prompt"] = addGenerationPrompt,
            ["bos_token"] = _beginOfText,
            ["eos_token"] = _endOfText,
        };
        if (tools is not null)
        {
            values["tools"] = tools;
        }

        return _template.Render(values, _clock);
    }

    /// <summary>A message as templates see it: fields that aren't set are undefined.</summary>
    private static List<KeyValuePair<string, object?>> ValuesOf(ChatMessage message, string? absentContent)
    {
        List<KeyValuePair<string, object?>> values =
        [
            new("role", message.Role),
            new("content", message.Content ?? absentContent),
        ];
        if (message.Name is not null)
        {
            values.Add(new("name", message.Name));
        }

        if (message.ToolCalls is not null)
        {
            values.Add(new("tool_calls", message.ToolCalls.Select(ValuesOfCall)));
        }

        if (message.ToolCallId is not null)
        {
            values.Add(new("tool_call_id", message.ToolCallId));
        }

        return values;
    }

    /// <summary>A call of a tool, with the arguments of its function as a dict.</summary>
    private static object? ValuesOfCall(JsonNode? call) => call is JsonObject fields
        ? fields.Select(field => new KeyValuePair<string, object?>(
            field.Key, field.Key == "function" && field.Value is JsonObject function ? ValuesOfFunction(function) : field.Value))
        : call;

    private static IEnumerable<KeyValuePair<string, object?>> ValuesOfFunction(JsonObject function) =>
        function.Select(field => new KeyValuePair<string, object?>(
            field.Key, field.Key == "arguments" && field.Value is JsonValue text ? ParseArguments(text) : field.Value));

    /// <summary>The OpenAI API gives arguments as JSON text, templates read a dict. Text that is no JSON object stays text: a model may have written it.</summary>
    private static object ParseArguments(JsonValue arguments)
    {
        if (!arguments.TryGetValue(out string? text))
        {
            return arguments;
        }

        try
        {
            return JsonNode.Parse(text, documentOptions: StrictJson) is JsonObject parsed ? new JinjaJsonText(text, parsed) : arguments;
        }
        catch (JsonException)
        {
            return arguments;
        }
    }
}
