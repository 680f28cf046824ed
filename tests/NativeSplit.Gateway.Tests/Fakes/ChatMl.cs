using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using NativeSplit.Model.Tokenization;

namespace NativeSplit.Gateway.Tests.Fakes;

/// <summary>What the widely used ChatML template does: a turn per message, contents trimmed, tools as JSON lines in a system turn.</summary>
internal static class ChatMl
{
    public static string Render(IReadOnlyList<ChatMessage> messages, JsonArray? tools, bool addGenerationPrompt)
    {
        StringBuilder prompt = new();
        if (tools is not null)
        {
            prompt.Append("<|im_start|>tools\n");
            foreach (JsonNode? tool in tools)
            {
                prompt.Append(tool!.ToJsonString(Relaxed)).Append('\n');
            }

            prompt.Append("<|im_end|>\n");
        }

        foreach (ChatMessage message in messages)
        {
            prompt.Append("<|im_start|>").Append(message.Role).Append('\n').Append(message.Content?.Trim());
            if (message.ToolCalls is not null)
            {
                prompt.Append(message.ToolCalls.ToJsonString(Relaxed));
            }

            prompt.Append("<|im_end|>\n");
        }

        return addGenerationPrompt ? prompt.Append("<|im_start|>assistant\n").ToString() : prompt.ToString();
    }

    /// <summary>Templates print JSON as Jinja's <c>tojson</c> does: other scripts as they are.</summary>
    private static readonly JsonSerializerOptions Relaxed = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
}
