using System.IO.Pipelines;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using NativeSplit.Engine;
using NativeSplit.Engine.Generation;
using NativeSplit.Gateway.Answers;
using NativeSplit.Gateway.Http;
using NativeSplit.Gateway.Requests;
using NativeSplit.Model;

namespace NativeSplit.Gateway.Endpoints;

/// <summary>
/// Runs one generation and sends its answer, whole or as a stream. The generation is disposed, and its KV freed, however the request
/// ends: in full, by a fault, by the client's leaving, or by the server's stop.
/// </summary>
internal sealed class GenerationRunner(GatewayOptions options, RequestGate gate, ILogger logger, CancellationToken stopping)
{
    /// <param name="context">The request.</param>
    /// <param name="model">The model.</param>
    /// <param name="prompt">Ids of the prompt.</param>
    /// <param name="promptField">Field that held the prompt, for errors.</param>
    /// <param name="defaultMaxTokens">Tokens at most where nobody else says; null: to the context's end.</param>
    /// <param name="fields">What the request asks for.</param>
    /// <param name="shape">Words the answer.</param>
    public async Task RunAsync(
        HttpContext context,
        GatewayModel model,
        IReadOnlyList<TokenId> prompt,
        string promptField,
        int? defaultMaxTokens,
        GenerationFields fields,
        IAnswerShape shape)
    {
        int room = model.Generator.ContextLength - prompt.Count;
        if (room <= 0)
        {
            throw new ApiException(ApiErrors.ContextExceeded(model.Generator.ContextLength, prompt.Count, promptField));
        }

        int? maxTokens = fields.MaxTokens ?? options.DefaultMaxTokens ?? model.Defaults.MaxNewTokens ?? defaultMaxTokens;
        GenerationRequest request = new()
        {
            Prompt = prompt,
            MaxTokens = maxTokens is { } tokens ? Math.Min(tokens, room) : null,
            Sampling = fields.Sampling,
            Stop = fields.Stop,
            IgnoreEndOfGeneration = fields.IgnoreEndOfGeneration,
        };
        using CancellationTokenSource ending = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, stopping);
        await using IGeneration generation = await StartAsync(model.Generator, request, ending.Token);
        await (fields.Stream
            ? StreamAsync(context, generation, shape, fields.IncludeUsage, ending)
            : SendWholeAsync(context, generation, shape, ending.Token));
    }

    private static async ValueTask<IGeneration> StartAsync(
        ITextGenerator generator, GenerationRequest request, CancellationToken cancellationToken)
    {
        try
        {
            return await generator.StartAsync(request, cancellationToken);
        }
        catch (ArgumentException exception)
        {
            throw new ApiException(ApiErrors.RefusedByEngine(exception.Message), exception);
        }
    }

    private static async Task SendWholeAsync(
        HttpContext context, IGeneration generation, IAnswerShape shape, CancellationToken cancellationToken)
    {
        StringBuilder text = new();
        FinishReason? finish = null;
        await foreach (GenerationChunk chunk in generation.ReadAllAsync(cancellationToken))
        {
            text.Append(chunk.Text);
            finish = chunk.Finish;
            if (finish is not null)
            {
                break;
            }
        }

        FinishReason reason = finish ?? throw new ApiException(ApiErrors.CutOff);
        await JsonResponse.WriteAsync(
            context,
            StatusCodes.Status200OK,
            (shape, text: text.ToString(), reason, usage: generation.Usage),
            static (json, answer) => answer.shape.WriteWhole(json, answer.text, answer.reason, answer.usage));
    }

    private async Task StreamAsync(
        HttpContext context, IGeneration generation, IAnswerShape shape, bool includeUsage, CancellationTokenSource ending)
    {
        await using IAsyncEnumerator<GenerationChunk> chunks = generation.ReadAllAsync(ending.Token).GetAsyncEnumerator(ending.Token);
        Task<bool> first = chunks.MoveNextAsync().AsTask();
        PipeWriter output = context.Response.BodyWriter;
        using EventStream events = new(output);
        try
        {
            await WaitForFirstAsync(first, ending.Token);
            await OpenAsync(context, shape, events, output, ending.Token);
            await SendChunksAsync(chunks, first, shape, events, output, ending.Token);
            if (includeUsage)
            {
                shape.WriteUsage(events.Begin(), generation.Usage);
                events.End();
            }

            events.WriteDone();
            await output.FlushAsync(ending.Token);
        }
        catch (Exception exception) when (context.Response.HasStarted && !context.RequestAborted.IsCancellationRequested)
        {
            await BreakOffAsync(exception, context, events, output);
        }
        finally
        {
            // An enumerator must not be disposed while it moves.
            await ending.CancelAsync();
            await ((Task)first).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Waits for the first token, or for as long as a client may be left without a sign.</summary>
    private async Task WaitForFirstAsync(Task<bool> first, CancellationToken cancellationToken)
    {
        if (!first.IsCompleted)
        {
            await Task.WhenAny(first, Task.Delay(options.StreamStartDelay, cancellationToken));
            cancellationToken.ThrowIfCancellationRequested();
        }

        if (first.IsCompleted)
        {
            await first;
        }
    }

    private static async Task OpenAsync(
        HttpContext context, IAnswerShape shape, EventStream events, PipeWriter output, CancellationToken cancellationToken)
    {
        context.Response.ContentType = "text/event-stream; charset=utf-8";
        context.Response.Headers.CacheControl = "no-cache";

        // Proxies that gather an answer before they pass it on are told not to.
        context.Response.Headers["X-Accel-Buffering"] = "no";
        context.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
        await context.Response.StartAsync(cancellationToken);
        if (shape.HasOpening)
        {
            shape.WriteOpening(events.Begin());
            events.End();
        }

        await output.FlushAsync(cancellationToken);
    }

    /// <summary>Sends each text as it comes, one flush each, then the reason of the end.</summary>
    private static async Task SendChunksAsync(
        IAsyncEnumerator<GenerationChunk> chunks,
        Task<bool> first,
        IAnswerShape shape,
        EventStream events,
        PipeWriter output,
        CancellationToken cancellationToken)
    {
        bool more = await first;
        while (more)
        {
            GenerationChunk chunk = chunks.Current;
            if (chunk.Text.Length > 0)
            {
                shape.WriteText(events.Begin(), chunk.Text);
                events.End();
            }

            if (chunk.Finish is { } finish)
            {
                shape.WriteFinish(events.Begin(), finish);
                events.End();
                return;
            }

            // A client that doesn't read holds up its own stream here, and none else.
            await output.FlushAsync(cancellationToken);
            more = await chunks.MoveNextAsync();
        }

        throw new ApiException(ApiErrors.CutOff);
    }

    /// <summary>
    /// Ends a stream that can't go on: an event with the error, and no <c>[DONE]</c>, lest a client take what it has for the full answer.
    /// </summary>
    private async Task BreakOffAsync(Exception exception, HttpContext context, EventStream events, PipeWriter output)
    {
        ApiError error = gate.Describe(context, exception);
        if (exception is EngineException or ApiException or OperationCanceledException)
        {
            logger.LogWarning("A stream of {Path} broke off: {Reason}", context.Request.Path, error.Message);
        }
        else
        {
            logger.LogError(exception, "A stream of {Path} broke off", context.Request.Path);
        }

        JsonResponse.WriteError(events.Begin(), error);
        events.End();
        await output.FlushAsync(context.RequestAborted);
    }
}
