using System.Text.Json;
using NativeSplit.Engine.Generation;

namespace NativeSplit.Gateway.Answers;

/// <summary>How one endpoint words an answer. Each method writes one JSON object.</summary>
internal interface IAnswerShape
{
    /// <summary>The whole answer at once.</summary>
    void WriteWhole(Utf8JsonWriter json, string text, FinishReason finish, GenerationUsage usage);

    /// <summary>Whether a stream opens with a chunk of its own, before the first text.</summary>
    bool HasOpening { get; }

    /// <summary>Opens a stream; only where it <see cref="HasOpening"/>.</summary>
    void WriteOpening(Utf8JsonWriter json);

    /// <summary>A piece of text.</summary>
    void WriteText(Utf8JsonWriter json, string text);

    /// <summary>Tells why the text ended.</summary>
    void WriteFinish(Utf8JsonWriter json, FinishReason finish);

    /// <summary>Tells the counts, after the end; only where the request asked for it.</summary>
    void WriteUsage(Utf8JsonWriter json, GenerationUsage usage);
}
