using System.Text.Json;
using System.Text.Json.Nodes;
using NativeSplit.Model.Tokenization;

namespace NativeSplit.Gateway.Prompts;

/// <summary>The texts in a chat that its writer chose: contents, names, ids of calls, and every string in calls and tools.</summary>
internal readonly record struct ChatText(IReadOnlyList<ChatMessage> Messages, JsonArray? Tools)
{
    /// <summary>Visits each text.</summary>
    public void ForEach(Action<string> visit)
    {
        foreach (ChatMessage message in Messages)
        {
            Visit(message.Content, visit);
            Visit(message.Name, visit);
            Visit(message.ToolCallId, visit);
            Visit(message.ToolCalls, visit);
        }

        Visit(Tools, visit);
    }

    /// <summary>A copy with each text replaced.</summary>
    public ChatText Map(Func<string, string> replace) => new(
        [
            .. Messages.Select(message => message with
            {
                Content = message.Content is null ? null : replace(message.Content),
                Name = message.Name is null ? null : replace(message.Name),
                ToolCallId = message.ToolCallId is null ? null : replace(message.ToolCallId),
                ToolCalls = (JsonArray?)Map(message.ToolCalls, replace),
            }),
        ],
        (JsonArray?)Map(Tools, replace));

    private static void Visit(string? text, Action<string> visit)
    {
        if (text is not null)
        {
            visit(text);
        }
    }

    private static void Visit(JsonNode? node, Action<string> visit)
    {
        switch (node)
        {
            case JsonObject fields:
                foreach ((string name, JsonNode? value) in fields)
                {
                    visit(name);
                    Visit(value, visit);
                }

                break;
            case JsonArray items:
                foreach (JsonNode? item in items)
                {
                    Visit(item, visit);
                }

                break;
            case JsonValue value when value.GetValueKind() == JsonValueKind.String:
                visit(value.GetValue<string>());
                break;
            default:
                break;
        }
    }

    private static JsonNode? Map(JsonNode? node, Func<string, string> replace)
    {
        switch (node)
        {
            case JsonObject fields:
                JsonObject mappedFields = [];
                foreach ((string name, JsonNode? value) in fields)
                {
                    // Two names can become one only if they were one.
                    mappedFields.Add(replace(name), Map(value, replace));
                }

                return mappedFields;
            case JsonArray items:
                JsonArray mappedItems = [];
                foreach (JsonNode? item in items)
                {
                    mappedItems.Add(Map(item, replace));
                }

                return mappedItems;
            case JsonValue value when value.GetValueKind() == JsonValueKind.String:
                return JsonValue.Create(replace(value.GetValue<string>()));
            default:
                return node?.DeepClone();
        }
    }
}
