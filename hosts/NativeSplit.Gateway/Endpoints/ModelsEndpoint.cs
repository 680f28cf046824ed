using System.Text.Json;
using Microsoft.AspNetCore.Http;
using NativeSplit.Gateway.Http;

namespace NativeSplit.Gateway.Endpoints;

/// <summary><c>GET /v1/models</c> and <c>GET /v1/models/{id}</c> of the OpenAI API.</summary>
internal sealed class ModelsEndpoint(ModelCatalog models)
{
    public Task ListAsync(HttpContext context) => JsonResponse.WriteAsync(context, StatusCodes.Status200OK, models.All, WriteList);

    /// <summary>The rest of the path is the name: names may hold slashes (<c>org/model</c>).</summary>
    public Task GetAsync(HttpContext context)
    {
        // The one escape that the server leaves in a path: it would change how the path divides.
        string name = ((string)context.Request.RouteValues["id"]!).Replace("%2F", "/", StringComparison.OrdinalIgnoreCase);
        return JsonResponse.WriteAsync(
            context,
            StatusCodes.Status200OK,
            (name, model: models.Find(name).Model),
            static (json, entry) => WriteModel(json, entry.name, entry.model));
    }

    private static void WriteList(Utf8JsonWriter json, IReadOnlyList<(string Name, GatewayModel Model)> all)
    {
        json.WriteStartObject();
        json.WriteString("object"u8, "list"u8);
        json.WriteStartArray("data"u8);
        foreach ((string name, GatewayModel model) in all)
        {
            WriteModel(json, name, model);
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteModel(Utf8JsonWriter json, string name, GatewayModel model)
    {
        json.WriteStartObject();
        json.WriteString("id"u8, name);
        json.WriteString("object"u8, "model"u8);
        json.WriteNumber("created"u8, model.Created.ToUnixTimeSeconds());
        json.WriteString("owned_by"u8, "nativesplit"u8);
        json.WriteEndObject();
    }
}
