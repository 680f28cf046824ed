using System.Text.Json;
using NativeSplit.Engine.Generation;

namespace NativeSplit.Gateway.Answers;

/// <summary>Object <c>text_completion</c>, which is also the chunk of a stream.</summary>
/// <param name="head">What every object repeats.</param>
/// <param name="includeUsage">Whether the stream tells counts; the other chunks then carry <c>usage: null</c>.</param>
internal sealed class CompletionAnswer(AnswerHead head, bool includeUsage) : IAnswerShape
{
    public void WriteWhole(Utf8JsonWriter json, string text, FinishReason finish, GenerationUsage usage)
    {
        Begin(json);
        WriteChoice(json, text, finish);
        json.WriteEndArray();
        AnswerHead.WriteUsage(json, usage);
        json.WriteEndObject();
    }

    public bool HasOpening => false;

    public void WriteOpening(Utf8JsonWriter json) => throw new InvalidOperationException("A text completion opens with its first text.");

    public void WriteText(Utf8JsonWriter json, string text) => WriteChunk(json, text, null);

    public void WriteFinish(Utf8JsonWriter json, FinishReason finish) => WriteChunk(json, "", finish);

    public void WriteUsage(Utf8JsonWriter json, GenerationUsage usage)
    {
        Begin(json);
        json.WriteEndArray();
        AnswerHead.WriteUsage(json, usage);
        json.WriteEndObject();
    }

    private void WriteChunk(Utf8JsonWriter json, string text, FinishReason? finish)
    {
        Begin(json);
        WriteChoice(json, text, finish);
        json.WriteEndArray();
        if (includeUsage)
        {
            json.WriteNull("usage"u8);
        }

        json.WriteEndObject();
    }

    private void Begin(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        head.Write(json, "text_completion"u8);
        json.WriteStartArray("choices"u8);
    }

    private static void WriteChoice(Utf8JsonWriter json, string text, FinishReason? finish)
    {
        json.WriteStartObject();
        json.WriteNumber("index"u8, 0);
        json.WriteString("text"u8, text);
        json.WriteNull("logprobs"u8);
        AnswerHead.WriteFinish(json, finish);
        json.WriteEndObject();
    }
}
