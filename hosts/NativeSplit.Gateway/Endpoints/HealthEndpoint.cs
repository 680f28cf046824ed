using Microsoft.AspNetCore.Http;
using NativeSplit.Gateway.Http;

namespace NativeSplit.Gateway.Endpoints;

/// <summary><c>GET /healthz</c>: the process answers. <c>GET /readyz</c>: it can serve requests now. Neither asks for a key.</summary>
internal sealed class HealthEndpoint(ModelCatalog models, CancellationToken stopping)
{
    public static Task LiveAsync(HttpContext context) => WriteOkAsync(context);

    public Task ReadyAsync(HttpContext context) =>
        stopping.IsCancellationRequested ? throw new ApiException(ApiErrors.Stopping)
        : models.AllReady ? WriteOkAsync(context)
        : throw new ApiException(ApiErrors.NotReady);

    private static Task WriteOkAsync(HttpContext context) =>
        JsonResponse.WriteAsync(context, StatusCodes.Status200OK, "ok", static (json, status) =>
        {
            json.WriteStartObject();
            json.WriteString("status"u8, status);
            json.WriteEndObject();
        });
}
