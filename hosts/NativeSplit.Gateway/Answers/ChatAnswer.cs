using System.Text.Json;
using NativeSplit.Engine.Generation;

namespace NativeSplit.Gateway.Answers;

/// <summary>Objects <c>chat.completion</c> and <c>chat.completion.chunk</c>.</summary>
/// <param name="head">What every object repeats.</param>
/// <param name="includeUsage">Whether the stream tells counts; the other chunks then carry <c>usage: null</c>.</param>
internal sealed class ChatAnswer(AnswerHead head, bool includeUsage) : IAnswerShape
{
    public void WriteWhole(Utf8JsonWriter json, string text, FinishReason finish, GenerationUsage usage)
    {
        json.WriteStartObject();
        head.Write(json, "chat.completion"u8);
        json.WriteStartArray("choices"u8);
        json.WriteStartObject();
        json.WriteNumber("index"u8, 0);
        json.WriteStartObject("message"u8);
        json.WriteString("role"u8, "assistant"u8);
        json.WriteString("content"u8, text);
        json.WriteNull("refusal"u8);
        json.WriteEndObject();
        json.WriteNull("logprobs"u8);
        AnswerHead.WriteFinish(json, finish);
        json.WriteEndObject();
        json.WriteEndArray();
        AnswerHead.WriteUsage(json, usage);
        json.WriteEndObject();
    }

    public bool HasOpening => true;

    public void WriteOpening(Utf8JsonWriter json)
    {
        BeginChunk(json);
        json.WriteString("role"u8, "assistant"u8);
        json.WriteString("content"u8, ""u8);
        json.WriteNull("refusal"u8);
        EndChunk(json, null);
    }

    public void WriteText(Utf8JsonWriter json, string text)
    {
        BeginChunk(json);
        json.WriteString("content"u8, text);
        EndChunk(json, null);
    }

    public void WriteFinish(Utf8JsonWriter json, FinishReason finish)
    {
        BeginChunk(json);
        EndChunk(json, finish);
    }

    public void WriteUsage(Utf8JsonWriter json, GenerationUsage usage)
    {
        json.WriteStartObject();
        head.Write(json, "chat.completion.chunk"u8);
        json.WriteStartArray("choices"u8);
        json.WriteEndArray();
        AnswerHead.WriteUsage(json, usage);
        json.WriteEndObject();
    }

    private void BeginChunk(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        head.Write(json, "chat.completion.chunk"u8);
        json.WriteStartArray("choices"u8);
        json.WriteStartObject();
        json.WriteNumber("index"u8, 0);
        json.WriteStartObject("delta"u8);
    }

    private void EndChunk(Utf8JsonWriter json, FinishReason? finish)
    {
        json.WriteEndObject();
        json.WriteNull("logprobs"u8);
        AnswerHead.WriteFinish(json, finish);
        json.WriteEndObject();
        json.WriteEndArray();
        if (includeUsage)
        {
            json.WriteNull("usage"u8);
        }

        json.WriteEndObject();
    }
}
