using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using NativeSplit.Gateway.Http;

namespace NativeSplit.Gateway.Requests;

/// <summary>Reads a request's JSON.</summary>
internal static class RequestBody
{
    /// <summary>Bounded depth, and no field twice: two readers of one request must not see two values.</summary>
    private static readonly JsonDocumentOptions DocumentOptions = new() { MaxDepth = 64, AllowDuplicateProperties = false };

    /// <summary>Parses the body; the caller disposes the document.</summary>
    /// <remarks>
    /// Only JSON by its content type is read: a browser lets any page post plain text or a form to a local port, but asks before it
    /// posts JSON.
    /// </remarks>
    public static async Task<JsonDocument> ReadAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        if (!request.HasJsonContentType())
        {
            throw new ApiException(ApiErrors.WrongContentType(request.ContentType));
        }

        try
        {
            return await JsonDocument.ParseAsync(request.Body, DocumentOptions, cancellationToken);
        }
        catch (JsonException exception)
        {
            throw new ApiException(ApiErrors.BadJson(exception.Message));
        }
    }

    /// <summary>Copies an array of objects out of the document, every string checked.</summary>
    public static JsonArray CopyObjects(JsonElement array, string path)
    {
        JsonArray copy = [];
        int index = 0;
        foreach (JsonElement item in array.EnumerateArray())
        {
            string itemPath = $"{path}[{index++}]";
            if (item.ValueKind != JsonValueKind.Object)
            {
                throw new ApiException(ApiErrors.WrongType(itemPath, "an object", RequestFields.KindOf(item)));
            }

            copy.Add(Copy(item, itemPath));
        }

        return copy;
    }

    private static JsonNode? Copy(JsonElement value, string path)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                JsonObject fields = [];
                foreach (JsonProperty field in value.EnumerateObject())
                {
                    fields.Add(RequestFields.NameOf(field, path), Copy(field.Value, path));
                }

                return fields;
            case JsonValueKind.Array:
                JsonArray items = [];
                foreach (JsonElement item in value.EnumerateArray())
                {
                    items.Add(Copy(item, path));
                }

                return items;
            case JsonValueKind.String:
                return JsonValue.Create(RequestFields.TextOf(value, path));
            case JsonValueKind.Null:
                return null;
            default:
                return JsonValue.Create(value.Clone());
        }
    }
}
