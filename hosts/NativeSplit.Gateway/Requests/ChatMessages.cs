using System.Text.Json;
using System.Text.Json.Nodes;
using NativeSplit.Gateway.Http;
using NativeSplit.Model.Tokenization;

namespace NativeSplit.Gateway.Requests;

/// <summary>Reads <c>messages</c>.</summary>
internal static class ChatMessages
{
    public static List<ChatMessage> Read(RequestFields body)
    {
        JsonElement array = body.Array("messages") ?? throw new ApiException(ApiErrors.Missing("messages"));
        if (array.GetArrayLength() == 0)
        {
            throw new ApiException(ApiErrors.EmptyArray("messages"));
        }

        List<ChatMessage> messages = new(array.GetArrayLength());
        foreach (JsonElement item in array.EnumerateArray())
        {
            messages.Add(ReadOne(new RequestFields(item, $"messages[{messages.Count}]")));
        }

        return messages;
    }

    private static ChatMessage ReadOne(RequestFields fields)
    {
        string role = ReadRole(fields);
        JsonArray? toolCalls = role == "assistant" && fields.Array("tool_calls") is { } calls && calls.GetArrayLength() > 0
            ? RequestBody.CopyObjects(calls, fields.PathOf("tool_calls"))
            : null;
        string? content = ReadContent(fields) ?? (role == "assistant" ? fields.Text("refusal") : null);
        if (content is null && toolCalls is null)
        {
            throw new ApiException(ApiErrors.Missing(fields.PathOf("content")));
        }

        string? toolCallId = fields.Text("tool_call_id");
        return role == "tool" && toolCallId is null
            ? throw new ApiException(ApiErrors.Missing(fields.PathOf("tool_call_id")))
            : new ChatMessage(role, content) { Name = fields.Text("name"), ToolCalls = toolCalls, ToolCallId = toolCallId };
    }

    /// <summary>The role as templates know it: <c>developer</c> is the newer name of <c>system</c>.</summary>
    private static string ReadRole(RequestFields fields) => fields.Text("role") switch
    {
        null => throw new ApiException(ApiErrors.Missing(fields.PathOf("role"))),
        "system" or "developer" => "system",
        "user" => "user",
        "assistant" => "assistant",
        "tool" => "tool",
        _ => throw new ApiException(ApiErrors.InvalidValue(
            fields.PathOf("role"), "supported values are: 'system', 'developer', 'user', 'assistant', and 'tool'.")),
    };

    private static string? ReadContent(RequestFields fields) => fields.Value("content") switch
    {
        null => null,
        { ValueKind: JsonValueKind.String } text => RequestFields.TextOf(text, fields.PathOf("content")),
        { ValueKind: JsonValueKind.Array } parts => JoinParts(parts, fields.PathOf("content")),
        { } other => throw new ApiException(ApiErrors.WrongType(
            fields.PathOf("content"), "a string or an array of content parts", RequestFields.KindOf(other))),
    };

    /// <summary>Parts become one text, a line each.</summary>
    private static string JoinParts(JsonElement parts, string path)
    {
        if (parts.GetArrayLength() == 0)
        {
            throw new ApiException(ApiErrors.EmptyArray(path));
        }

        List<string> texts = new(parts.GetArrayLength());
        foreach (JsonElement part in parts.EnumerateArray())
        {
            RequestFields fields = new(part, $"{path}[{texts.Count}]");
            string field = fields.Text("type") switch
            {
                null => throw new ApiException(ApiErrors.Missing(fields.PathOf("type"))),
                "text" => "text",
                "refusal" => "refusal",
                _ => throw new ApiException(ApiErrors.UnsupportedValue(
                    fields.PathOf("type"), "This model reads text only: send parts of type 'text'.")),
            };
            texts.Add(fields.Text(field) ?? throw new ApiException(ApiErrors.Missing(fields.PathOf(field))));
        }

        return string.Join('\n', texts);
    }
}
