using System.Text.Json;
using Microsoft.AspNetCore.Http;
using NativeSplit.Gateway.Answers;
using NativeSplit.Gateway.Http;
using NativeSplit.Gateway.Requests;
using NativeSplit.Model;

namespace NativeSplit.Gateway.Endpoints;

/// <summary><c>POST /v1/chat/completions</c> of the OpenAI API.</summary>
/// <remarks>
/// Tools are shown to the model through its chat template. What the model writes is passed on as text: calls in it aren't parsed into
/// <c>tool_calls</c>, so <c>finish_reason</c> is <c>stop</c> or <c>length</c> and the client reads the model's own call syntax.
/// </remarks>
internal sealed class ChatEndpoint(ModelCatalog models, GenerationRunner runner)
{
    public async Task HandleAsync(HttpContext context)
    {
        using JsonDocument document = await RequestBody.ReadAsync(context.Request, context.RequestAborted);
        RequestFields fields = new(document.RootElement, "");
        (string name, ServedModel served) = models.Resolve(fields);
        GatewayModel model = served.Model;
        ChatRequest request = ChatRequest.Read(fields, model);
        if (served.ChatPrompt is null)
        {
            throw new ApiException(ApiErrors.NoChatTemplate(name));
        }

        IReadOnlyList<TokenId> prompt = served.ChatPrompt.Encode(request.Messages, request.Tools);
        AnswerHead head = new("chatcmpl-", name, model.SystemFingerprint, DateTimeOffset.UtcNow);
        ChatAnswer answer = new(head, request.Generation.IncludeUsage);
        await runner.RunAsync(context, model, prompt, "messages", defaultMaxTokens: null, request.Generation, answer);
    }
}
