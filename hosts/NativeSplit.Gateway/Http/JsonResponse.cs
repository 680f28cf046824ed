using System.Buffers;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace NativeSplit.Gateway.Http;

/// <summary>Writes whole JSON answers, straight to UTF-8, without reflection.</summary>
internal static class JsonResponse
{
    /// <summary>
    /// Text of the Basic Multilingual Plane goes out as UTF-8, not as <c>\u</c> escapes: half the bytes or less.
    /// Safe because no answer is ever HTML. Structure is checked by tests, so the writer needn't check it per token.
    /// </summary>
    public static JsonWriterOptions WriterOptions { get; } = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        SkipValidation = true,
    };

    public static async Task WriteAsync<T>(HttpContext context, int status, T value, Action<Utf8JsonWriter, T> write)
    {
        ArrayBufferWriter<byte> body = new();
        await using (Utf8JsonWriter json = new(body, WriterOptions))
        {
            write(json, value);
        }

        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = body.WrittenCount;
        await context.Response.Body.WriteAsync(body.WrittenMemory, context.RequestAborted);
    }

    public static Task WriteErrorAsync(HttpContext context, ApiError error, TimeSpan retryAfter)
    {
        if (error.Retry)
        {
            context.Response.Headers.RetryAfter =
                ((long)Math.Ceiling(retryAfter.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
        }

        return WriteAsync(context, error.Status, error, WriteError);
    }

    /// <summary><c>{"error":{"message":string,"type":string,"param":string|null,"code":string|null}}</c></summary>
    public static void WriteError(Utf8JsonWriter json, ApiError error)
    {
        json.WriteStartObject();
        json.WriteStartObject("error"u8);
        json.WriteString("message"u8, error.Message);
        json.WriteString("type"u8, error.Type);
        json.WriteString("param"u8, error.Param);
        json.WriteString("code"u8, error.Code);
        json.WriteEndObject();
        json.WriteEndObject();
    }
}
