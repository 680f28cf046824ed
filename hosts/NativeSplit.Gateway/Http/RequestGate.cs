using System.Security.Cryptography;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using NativeSplit.Engine;

namespace NativeSplit.Gateway.Http;

/// <summary>
/// The outermost layer of every request: gives it an id, asks for a key under <c>/v1</c>, turns whatever goes wrong into an error
/// body of the API, and gives routing's bare 404 and 405 one too.
/// </summary>
internal sealed class RequestGate(GatewayOptions options, ILogger logger, CancellationToken stopping)
{
    private readonly ApiKeyRing _keys = new(options.ApiKeys);

    public async Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        string requestId = "req_" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
        context.Response.Headers["x-request-id"] = requestId;
        ApiError? error;
        try
        {
            error = await AdmitAsync(context, next);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The client is gone; nobody reads an answer.
            return;
        }
        catch (Exception exception)
        {
            error = Describe(context, exception);
            if (error.Status >= 500)
            {
                Log(requestId, context.Request, exception);
            }
        }

        if (error is not null && !context.Response.HasStarted)
        {
            await JsonResponse.WriteErrorAsync(context, error, options.RetryAfter);
        }
        else if (error is not null)
        {
            // Half an answer is out already: a cut connection is the only honest end.
            context.Abort();
        }
    }

    /// <summary>The error of a failure, and what the log should hear of it is the caller's matter.</summary>
    public ApiError Describe(HttpContext context, Exception exception) => exception switch
    {
        ApiException api => api.Error,
        EngineException engine => ApiErrors.From(engine),
        BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge } => ApiErrors.BodyTooLarge(options.MaxRequestBodyBytes),
        BadHttpRequestException bad => ApiErrors.BadHttp(bad.StatusCode, bad.Message),
        OperationCanceledException when stopping.IsCancellationRequested && !context.RequestAborted.IsCancellationRequested =>
            ApiErrors.Stopping,
        _ => ApiErrors.Internal,
    };

    private async Task<ApiError?> AdmitAsync(HttpContext context, RequestDelegate next)
    {
        PathString path = context.Request.Path;
        if (path.StartsWithSegments("/v1", StringComparison.Ordinal))
        {
            if (_keys.Check(context.Request) is { } refusal)
            {
                context.Response.Headers.WWWAuthenticate = "Bearer";
                return refusal;
            }

            if (stopping.IsCancellationRequested)
            {
                return ApiErrors.Stopping;
            }
        }

        await next(context);
        return context.Response switch
        {
            { HasStarted: true } => null,
            { StatusCode: StatusCodes.Status404NotFound } => ApiErrors.UnknownUrl(context.Request.Method, path),
            { StatusCode: StatusCodes.Status405MethodNotAllowed } => ApiErrors.WrongMethod(context.Request.Method, path),
            _ => null,
        };
    }

    private void Log(string requestId, HttpRequest request, Exception exception)
    {
        if (exception is ApiException { InnerException: null } or EngineException)
        {
            logger.LogWarning("{RequestId} {Method} {Path} failed: {Reason}", requestId, request.Method, request.Path, exception.Message);
        }
        else
        {
            logger.LogError(exception, "{RequestId} {Method} {Path} failed", requestId, request.Method, request.Path);
        }
    }
}
