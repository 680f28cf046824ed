using System.Text.Json;
using NativeSplit.Gateway.Http;
using NativeSplit.Model;

namespace NativeSplit.Gateway.Requests;

/// <summary>
/// The body of <c>POST /v1/completions</c>. One prompt per request: a text, or its token ids. Several prompts in one request are
/// refused, as are <c>echo</c>, <c>suffix</c>, <c>logprobs</c> and <c>best_of</c> above 1.
/// </summary>
/// <param name="Text">The prompt, if it is a text.</param>
/// <param name="Tokens">The prompt, if it is ids; one of the two is set.</param>
/// <param name="Generation">The rest.</param>
internal sealed record CompletionRequest(string? Text, IReadOnlyList<TokenId>? Tokens, GenerationFields Generation)
{
    public static CompletionRequest Read(RequestFields fields, GatewayModel model)
    {
        if (fields.Flag("echo") is true)
        {
            throw new ApiException(ApiErrors.UnsupportedParameter("echo", "The prompt isn't repeated: join it with the answer yourself."));
        }

        if (fields.Text("suffix") is { Length: > 0 })
        {
            throw new ApiException(ApiErrors.UnsupportedParameter("suffix", "Text is continued, not filled in."));
        }

        if (fields.Integer("logprobs", 0, 5) is not null)
        {
            throw new ApiException(ApiErrors.UnsupportedParameter("logprobs", "Log probabilities aren't returned."));
        }

        if (fields.Integer("best_of", 1, 20) is > 1)
        {
            throw new ApiException(ApiErrors.UnsupportedValue("best_of", "Only one candidate per request is generated."));
        }

        GenerationFields generation = GenerationFields.Read(fields, model.Defaults, model.Tokenizer.VocabularySize);
        JsonElement prompt = fields.Value("prompt") ?? throw new ApiException(ApiErrors.Missing("prompt"));
        return ReadPrompt(prompt, "prompt", model, generation, nested: false);
    }

    private static CompletionRequest ReadPrompt(
        JsonElement prompt, string path, GatewayModel model, GenerationFields generation, bool nested)
    {
        if (prompt.ValueKind == JsonValueKind.String)
        {
            return new CompletionRequest(RequestFields.TextOf(prompt, path), null, generation);
        }

        if (prompt.ValueKind != JsonValueKind.Array)
        {
            throw new ApiException(ApiErrors.WrongType(path, "a string or an array", RequestFields.KindOf(prompt)));
        }

        int count = prompt.GetArrayLength();
        if (count == 0)
        {
            throw new ApiException(ApiErrors.EmptyArray(path));
        }

        if (prompt[0].ValueKind == JsonValueKind.Number || nested)
        {
            return new CompletionRequest(null, ReadTokens(prompt, count, path, model), generation);
        }

        return count == 1
            ? ReadPrompt(prompt[0], path + "[0]", model, generation, nested: true)
            : throw new ApiException(ApiErrors.UnsupportedValue(path, "One prompt per request is supported: send one request for each."));
    }

    private static TokenId[] ReadTokens(JsonElement array, int count, string path, GatewayModel model)
    {
        if (count >= model.Generator.ContextLength)
        {
            throw new ApiException(ApiErrors.ContextExceeded(model.Generator.ContextLength, count, "prompt"));
        }

        TokenId[] tokens = new TokenId[count];
        int index = 0;
        foreach (JsonElement item in array.EnumerateArray())
        {
            tokens[index] = new TokenId((int)RequestFields.IntegerOf(item, $"{path}[{index}]", 0, model.Tokenizer.VocabularySize - 1));
            index++;
        }

        return tokens;
    }
}
