using System.Buffers;
using System.Text.Json;
using NativeSplit.Gateway.Http;

namespace NativeSplit.Gateway.Answers;

/// <summary>
/// Writes server-sent events (<c>data: JSON</c>, blank line) into a buffer; the caller flushes that. One JSON writer serves the whole
/// stream, so an event allocates nothing. For one stream, one thread at a time.
/// </summary>
/// <param name="output">Where the events go; lent for the life of the stream.</param>
internal sealed class EventStream(IBufferWriter<byte> output) : IDisposable
{
    private readonly Utf8JsonWriter _json = new(output, JsonResponse.WriterOptions);

    /// <summary>Opens an event. The caller writes one JSON value and calls <see cref="End"/>.</summary>
    public Utf8JsonWriter Begin()
    {
        output.Write("data: "u8);
        _json.Reset();
        return _json;
    }

    /// <summary>Ends the event.</summary>
    public void End()
    {
        _json.Flush();
        output.Write("\n\n"u8);
    }

    /// <summary>Writes the event that tells a client of a full answer: <c>data: [DONE]</c>.</summary>
    public void WriteDone() => output.Write("data: [DONE]\n\n"u8);

    /// <inheritdoc/>
    public void Dispose() => _json.Dispose();
}
