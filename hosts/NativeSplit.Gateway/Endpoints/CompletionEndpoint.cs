using System.Text.Json;
using Microsoft.AspNetCore.Http;
using NativeSplit.Gateway.Answers;
using NativeSplit.Gateway.Prompts;
using NativeSplit.Gateway.Requests;
using NativeSplit.Model;

namespace NativeSplit.Gateway.Endpoints;

/// <summary><c>POST /v1/completions</c> of the OpenAI API.</summary>
internal sealed class CompletionEndpoint(ModelCatalog models, GenerationRunner runner, GatewayOptions options)
{
    /// <summary>Tokens of an answer at most where nobody says otherwise (OpenAI API).</summary>
    private const int DefaultMaxTokens = 16;

    public async Task HandleAsync(HttpContext context)
    {
        using JsonDocument document = await RequestBody.ReadAsync(context.Request, context.RequestAborted);
        RequestFields fields = new(document.RootElement, "");
        (string name, ServedModel served) = models.Resolve(fields);
        GatewayModel model = served.Model;
        CompletionRequest request = CompletionRequest.Read(fields, model);
        IReadOnlyList<TokenId> prompt = CompletionPrompt.Encode(request, model, options.MaxPromptCharacters);
        AnswerHead head = new("cmpl-", name, model.SystemFingerprint, DateTimeOffset.UtcNow);
        CompletionAnswer answer = new(head, request.Generation.IncludeUsage);
        await runner.RunAsync(context, model, prompt, "prompt", DefaultMaxTokens, request.Generation, answer);
    }
}
