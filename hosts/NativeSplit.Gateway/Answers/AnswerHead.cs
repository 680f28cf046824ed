using System.Security.Cryptography;
using System.Text.Json;
using NativeSplit.Engine.Generation;
using NativeSplit.Gateway.Http;

namespace NativeSplit.Gateway.Answers;

/// <summary>What every object of one answer repeats, escaped once.</summary>
internal sealed class AnswerHead
{
    private readonly JsonEncodedText _id;
    private readonly JsonEncodedText _model;
    private readonly JsonEncodedText? _fingerprint;
    private readonly long _created;

    /// <param name="idPrefix"><c>chatcmpl-</c> or <c>cmpl-</c>.</param>
    /// <param name="model">Model name, as the request gave it.</param>
    /// <param name="fingerprint">The model's fingerprint, or null.</param>
    /// <param name="created">When the answer began.</param>
    public AnswerHead(string idPrefix, string model, string? fingerprint, DateTimeOffset created)
    {
        _id = JsonEncodedText.Encode(idPrefix + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16)));
        _model = JsonEncodedText.Encode(model, JsonResponse.WriterOptions.Encoder);
        _fingerprint = fingerprint is null ? null : JsonEncodedText.Encode(fingerprint, JsonResponse.WriterOptions.Encoder);
        _created = created.ToUnixTimeSeconds();
    }

    /// <summary>Writes <c>id, object, created, model, system_fingerprint</c>.</summary>
    public void Write(Utf8JsonWriter json, ReadOnlySpan<byte> objectName)
    {
        json.WriteString("id"u8, _id);
        json.WriteString("object"u8, objectName);
        json.WriteNumber("created"u8, _created);
        json.WriteString("model"u8, _model);
        if (_fingerprint is { } fingerprint)
        {
            json.WriteString("system_fingerprint"u8, fingerprint);
        }
        else
        {
            json.WriteNull("system_fingerprint"u8);
        }
    }

    /// <summary>Writes <c>usage: {prompt_tokens, completion_tokens, total_tokens}</c>.</summary>
    public static void WriteUsage(Utf8JsonWriter json, GenerationUsage usage)
    {
        json.WriteStartObject("usage"u8);
        json.WriteNumber("prompt_tokens"u8, usage.PromptTokens);
        json.WriteNumber("completion_tokens"u8, usage.CompletionTokens);
        json.WriteNumber("total_tokens"u8, usage.PromptTokens + usage.CompletionTokens);
        json.WriteEndObject();
    }

    /// <summary>Writes <c>finish_reason</c>.</summary>
    public static void WriteFinish(Utf8JsonWriter json, FinishReason? finish)
    {
        switch (finish)
        {
            case FinishReason.Stop:
                json.WriteString("finish_reason"u8, "stop"u8);
                break;
            case FinishReason.Length:
                json.WriteString("finish_reason"u8, "length"u8);
                break;
            default:
                json.WriteNull("finish_reason"u8);
                break;
        }
    }
}
