using System.Text.Json;
using System.Text.Json.Nodes;
using NativeSplit.Gateway.Http;
using NativeSplit.Model.Tokenization;

namespace NativeSplit.Gateway.Requests;

/// <summary>
/// The body of <c>POST /v1/chat/completions</c>. Fields that ask for something the gateway can't do end the request; fields that
/// change nothing about the answer (<c>user</c>, <c>metadata</c>, <c>store</c>) and unknown ones are ignored.
/// </summary>
internal sealed record ChatRequest(IReadOnlyList<ChatMessage> Messages, JsonArray? Tools, GenerationFields Generation)
{
    /// <summary>Fields that promise something in the answer that would be missing from it.</summary>
    private static readonly (string Name, string Reason)[] Unsupported =
    [
        ("top_logprobs", "Log probabilities aren't returned."),
        ("functions", "It is deprecated: use 'tools'."),
        ("function_call", "It is deprecated: use 'tool_choice'."),
        ("audio", "This model writes text only."),
        ("web_search_options", "The server has no web search."),
    ];

    public static ChatRequest Read(RequestFields fields, GatewayModel model)
    {
        foreach ((string name, string reason) in Unsupported)
        {
            if (fields.Value(name) is not null)
            {
                throw new ApiException(ApiErrors.UnsupportedParameter(name, reason));
            }
        }

        if (fields.Flag("logprobs") is true)
        {
            throw new ApiException(ApiErrors.UnsupportedParameter("logprobs", "Log probabilities aren't returned."));
        }

        CheckResponseFormat(fields);
        CheckModalities(fields);
        GenerationFields generation = GenerationFields.Read(fields, model.Defaults, model.Tokenizer.VocabularySize);
        return new ChatRequest(ChatMessages.Read(fields), ReadTools(fields), generation);
    }

    private static void CheckResponseFormat(RequestFields fields)
    {
        if (fields.Value("response_format") is { } format && new RequestFields(format, "response_format").Text("type") is not "text")
        {
            throw new ApiException(ApiErrors.UnsupportedValue(
                "response_format.type", "The output isn't constrained to a form: only 'text' is supported."));
        }
    }

    private static void CheckModalities(RequestFields fields)
    {
        if (fields.Array("modalities") is { } modalities)
        {
            foreach (JsonElement modality in modalities.EnumerateArray())
            {
                if (RequestFields.TextOf(modality, "modalities") != "text")
                {
                    throw new ApiException(ApiErrors.UnsupportedValue("modalities", "This model writes text only."));
                }
            }
        }
    }

    /// <summary>Tools for the template; none where the request forbids their use.</summary>
    private static JsonArray? ReadTools(RequestFields fields)
    {
        JsonArray? tools = fields.Array("tools") is { } array && array.GetArrayLength() > 0
            ? RequestBody.CopyObjects(array, "tools")
            : null;
        return fields.Value("tool_choice") switch
        {
            null => tools,
            { ValueKind: JsonValueKind.String } choice when choice.ValueEquals("auto"u8) => tools,
            { ValueKind: JsonValueKind.String } choice when choice.ValueEquals("none"u8) => null,
            { ValueKind: JsonValueKind.String or JsonValueKind.Object } => throw new ApiException(ApiErrors.UnsupportedValue(
                "tool_choice", "The output isn't forced into a tool call: only 'auto' and 'none' are supported.")),
            { } other => throw new ApiException(ApiErrors.WrongType("tool_choice", "a string or an object", RequestFields.KindOf(other))),
        };
    }
}
