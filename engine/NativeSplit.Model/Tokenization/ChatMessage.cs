using System.Text.Json.Nodes;

namespace NativeSplit.Model.Tokenization;

/// <summary>One message of a chat, in the fields that templates read.</summary>
/// <param name="Role"><c>system</c>, <c>user</c>, <c>assistant</c>, <c>tool</c>.</param>
/// <param name="Content">The text; null for an assistant message that only calls tools.</param>
public sealed record ChatMessage(string Role, string? Content)
{
    /// <summary>Name of the speaker, if given.</summary>
    public string? Name { get; init; }

    /// <summary>Calls of tools by the assistant, as in the OpenAI API; null for none.</summary>
    public JsonArray? ToolCalls { get; init; }

    /// <summary>The call a tool message answers.</summary>
    public string? ToolCallId { get; init; }
}
