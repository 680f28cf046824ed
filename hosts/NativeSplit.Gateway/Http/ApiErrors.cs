using System.Globalization;
using NativeSplit.Engine;

namespace NativeSplit.Gateway.Http;

/// <summary>Every error the gateway answers with, in the words and codes of the OpenAI API where it has them.</summary>
internal static class ApiErrors
{
    private const string InvalidRequest = "invalid_request_error";
    private const string ServerError = "server_error";

    public static ApiError MissingKey { get; } = new(
        401,
        InvalidRequest,
        "You didn't provide an API key. Provide it in an Authorization header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY).",
        null,
        null);

    // The key isn't repeated: logs and screens are no place for it.
    public static ApiError WrongKey { get; } = new(401, InvalidRequest, "Incorrect API key provided.", null, "invalid_api_key");

    public static ApiError Stopping { get; } = new(
        503, ServerError, "The server is shutting down. Retry in a moment.", null, "server_stopping", Retry: true);

    public static ApiError NotReady { get; } = new(
        503, ServerError, "The model can't be served yet. Retry in a moment.", null, "not_ready", Retry: true);

    public static ApiError Internal { get; } = new(
        500, ServerError, "The server had an error while processing your request. Its log has the cause.", null, "internal_error");

    public static ApiError CutOff { get; } = new(
        500, ServerError, "The generation ended without a reason to finish; the answer isn't complete.", null, "incomplete_generation");

    public static ApiError UnknownUrl(string method, string path) =>
        new(404, InvalidRequest, $"Invalid URL ({method} {path})", null, "unknown_url");

    public static ApiError WrongMethod(string method, string path) => new(
        405,
        InvalidRequest,
        $"Not allowed to {method} on {path}. (HINT: Perhaps you meant to use a different HTTP method?)",
        null,
        "method_not_supported");

    public static ApiError WrongContentType(string? given) => new(
        415,
        InvalidRequest,
        $"Unsupported content type: '{given}'. This API method only accepts 'application/json' requests.",
        null,
        "unsupported_content_type");

    public static ApiError BodyTooLarge(long limit) => new(
        413,
        InvalidRequest,
        string.Create(CultureInfo.InvariantCulture, $"The request body is too large: at most {limit} bytes are accepted."),
        null,
        "request_too_large");

    public static ApiError BadHttp(int status, string message) => new(status, InvalidRequest, message, null, null);

    public static ApiError BadJson(string detail) =>
        new(400, InvalidRequest, $"We could not parse the JSON body of your request: {detail}", null, "invalid_json");

    public static ApiError NoModelField { get; } =
        new(400, InvalidRequest, "you must provide a model parameter", "model", "missing_required_parameter");

    public static ApiError UnknownModel(string name) =>
        new(404, InvalidRequest, $"The model '{name}' does not exist", "model", "model_not_found");

    public static ApiError Missing(string param) =>
        new(400, InvalidRequest, $"Missing required parameter: '{param}'.", param, "missing_required_parameter");

    public static ApiError WrongType(string param, string expected, string actual) => new(
        400, InvalidRequest, $"Invalid type for '{param}': expected {expected}, but got {actual} instead.", param, "invalid_type");

    public static ApiError InvalidValue(string param, string reason) =>
        new(400, InvalidRequest, $"Invalid value for '{param}': {reason}", param, "invalid_value");

    public static ApiError OutOfRange(string param, string kind, bool above, string bound, string actual) => new(
        400,
        InvalidRequest,
        above
            ? $"Invalid '{param}': {kind} above maximum value. Expected a value <= {bound}, but got {actual} instead."
            : $"Invalid '{param}': {kind} below minimum value. Expected a value >= {bound}, but got {actual} instead.",
        param,
        above ? $"{kind}_above_max_value" : $"{kind}_below_min_value");

    public static ApiError EmptyArray(string param) => new(
        400,
        InvalidRequest,
        $"Invalid '{param}': empty array. Expected an array with minimum length 1, but got an empty array instead.",
        param,
        "empty_array");

    public static ApiError LongArray(string param, int limit, int actual) => new(
        400,
        InvalidRequest,
        string.Create(
            CultureInfo.InvariantCulture,
            $"Invalid '{param}': array too long. Expected an array with maximum length {limit}, ")
            + string.Create(CultureInfo.InvariantCulture, $"but got an array with length {actual} instead."),
        param,
        "array_above_max_length");

    public static ApiError LongText(string param, int limit, long actual) => new(
        400,
        InvalidRequest,
        string.Create(
            CultureInfo.InvariantCulture,
            $"Invalid '{param}': string too long. Expected a string with maximum length {limit}, ")
            + string.Create(CultureInfo.InvariantCulture, $"but got a string with length {actual} instead."),
        param,
        "string_above_max_length");

    public static ApiError UnsupportedParameter(string param, string reason) =>
        new(400, InvalidRequest, $"Unsupported parameter: '{param}'. {reason}", param, "unsupported_parameter");

    public static ApiError UnsupportedValue(string param, string reason) =>
        new(400, InvalidRequest, $"Unsupported value: '{param}'. {reason}", param, "unsupported_value");

    public static ApiError ContextExceeded(int context, int promptTokens, string param) => new(
        400,
        InvalidRequest,
        string.Create(
            CultureInfo.InvariantCulture,
            $"This model's maximum context length is {context} tokens. However, your {param} resulted in {promptTokens} tokens, ")
            + $"which leaves no room for an answer. Please reduce the length of the {param}.",
        param,
        "context_length_exceeded");

    public static ApiError NoChatTemplate(string model) => new(
        400,
        InvalidRequest,
        $"The model '{model}' has no chat template, so it can't take messages. Use /v1/completions with a prompt instead.",
        "messages",
        "no_chat_template");

    public static ApiError TemplateFailed(string message) =>
        new(400, InvalidRequest, $"The model's chat template refused the messages: {message}", "messages", "chat_template_error");

    public static ApiError JoinedSpecialToken(string spelling) => new(
        400,
        InvalidRequest,
        $"The messages, put side by side by the model's chat template, spell the special token '{spelling}', "
            + "which no message may contain. Change the beginning or the end of the message that holds a part of it.",
        "messages",
        "special_token_in_content");

    public static ApiError RefusedByEngine(string message) => new(400, InvalidRequest, message, null, "invalid_value");

    /// <summary>What the client learns of a fault of the engine.</summary>
    public static ApiError From(EngineException fault) => fault.Fault switch
    {
        EngineFault.PromptTooLong => new(400, InvalidRequest, fault.Message, null, "context_length_exceeded"),
        EngineFault.NoCapacity => new(429, "rate_limit_error", fault.Message, null, "rate_limit_exceeded", Retry: true),
        EngineFault.PathBroken => new(502, ServerError, fault.Message, null, "path_broken"),
        EngineFault.Stopping => Stopping,
        _ => Internal,
    };
}
