namespace NativeSplit.Gateway.Http;

/// <summary>An error as the OpenAI API words it: <c>{"error":{"message","type","param","code"}}</c> under an HTTP status.</summary>
/// <param name="Status">HTTP status.</param>
/// <param name="Type">Family: <c>invalid_request_error</c>, <c>rate_limit_error</c>, <c>server_error</c>.</param>
/// <param name="Message">What, where, and how to mend it.</param>
/// <param name="Param">The field at fault, if it is one.</param>
/// <param name="Code">Machine-readable reason, if there is one.</param>
/// <param name="Retry">Whether the same request may succeed soon; adds <c>Retry-After</c>.</param>
internal sealed record ApiError(int Status, string Type, string Message, string? Param, string? Code, bool Retry = false);

/// <summary>Ends a request with an <see cref="ApiError"/>.</summary>
internal sealed class ApiException(ApiError error, Exception? inner = null) : Exception(error.Message, inner)
{
    public ApiError Error { get; } = error;
}
