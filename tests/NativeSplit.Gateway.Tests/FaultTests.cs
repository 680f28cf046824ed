using System.Net;
using System.Text.Json.Nodes;
using NativeSplit.Engine;
using NativeSplit.Engine.Generation;
using NativeSplit.Gateway.Tests.Fakes;
using NativeSplit.Model;

namespace NativeSplit.Gateway.Tests;

/// <summary>What a client learns when the engine refuses or breaks.</summary>
public sealed class FaultTests
{
    [Theory]
    [InlineData(EngineFault.PromptTooLong, 400, "invalid_request_error", "context_length_exceeded", false)]
    [InlineData(EngineFault.NoCapacity, 429, "rate_limit_error", "rate_limit_exceeded", true)]
    [InlineData(EngineFault.PathBroken, 502, "server_error", "path_broken", false)]
    public async Task Refusal_HasItsStatus_WhetherStreamedOrNot(EngineFault fault, int status, string type, string code, bool retry)
    {
        foreach (string more in new[] { "", ",\"stream\":true" })
        {
            await using TestGateway gateway = await TestGateway.StartAsync(
                new ScriptedGenerator((_, _) => ScriptedGenerator.Say()) { Refusal = new EngineException(fault, "The stage says no.") },
                new GatewayOptions { RetryAfter = TimeSpan.FromSeconds(2.5) });
            using HttpResponseMessage response = await gateway.ChatAsync(more);
            Assert.Equal(("The stage says no.", type, null, code), await TestGateway.ErrorAsync(response, (HttpStatusCode)status));
            Assert.Equal(retry ? TimeSpan.FromSeconds(3) : null, response.Headers.RetryAfter?.Delta);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData(",\"stream\":true")]
    public async Task Refusal_Is503_WhenTheEngineStops(string more)
    {
        await using TestGateway gateway = await TestGateway.StartAsync(
            new ScriptedGenerator((_, _) => ScriptedGenerator.Say()) { Refusal = new EngineException(EngineFault.Stopping, "stopping") });
        (_, string type, _, string? code) = await TestGateway.ErrorAsync(await gateway.CompleteAsync(more), HttpStatusCode.ServiceUnavailable);
        Assert.Equal(("server_error", "server_stopping"), (type, code));
    }

    [Fact]
    public async Task Refusal_Is400_WhenTheEngineFindsTheRequestMalformed()
    {
        await using TestGateway gateway = await TestGateway.StartAsync(
            new ScriptedGenerator((_, _) => ScriptedGenerator.Say()) { Refusal = new ArgumentException("Token 7 is unknown.") });
        (string message, _, _, _) = await TestGateway.ErrorAsync(await gateway.CompleteAsync(), HttpStatusCode.BadRequest);
        Assert.Equal("Token 7 is unknown.", message);
    }

    [Theory]
    [InlineData("")]
    [InlineData(",\"stream\":true")]
    public async Task Failure_Is500WithoutDetails_WhenUnexpected(string more)
    {
        await using TestGateway gateway = await TestGateway.StartAsync(
            new ScriptedGenerator((_, _) => ScriptedGenerator.SayAndFail(new InvalidOperationException("secret path /x"))));
        using HttpResponseMessage response = await gateway.ChatAsync(more);
        (string message, string type, _, string? code) = await TestGateway.ErrorAsync(response, HttpStatusCode.InternalServerError);
        Assert.Equal(("server_error", "internal_error"), (type, code));
        Assert.DoesNotContain("secret", message, StringComparison.Ordinal);
        await DisposedAsync(gateway);
    }

    [Theory]
    [InlineData("")]
    [InlineData(",\"stream\":true")]
    public async Task Failure_Is502_WhenThePathBreaksBeforeTheFirstToken(string more)
    {
        await using TestGateway gateway = await TestGateway.StartAsync(
            new ScriptedGenerator((_, _) => ScriptedGenerator.SayAndFail(new EngineException(EngineFault.PathBroken, "Worker b is lost."))));
        using HttpResponseMessage response = await gateway.ChatAsync(more);
        Assert.Equal(("Worker b is lost.", "server_error", null, "path_broken"), await TestGateway.ErrorAsync(response, HttpStatusCode.BadGateway));
        await DisposedAsync(gateway);
    }

    [Fact]
    public async Task Whole_Is502_WhenThePathBreaksInTheMiddle()
    {
        await using TestGateway gateway = await TestGateway.StartAsync(
            new ScriptedGenerator((_, _) => ScriptedGenerator.SayAndFail(new EngineException(EngineFault.PathBroken, "Worker b is lost."), "a", "b")));
        using HttpResponseMessage response = await gateway.ChatAsync();
        Assert.Equal(("Worker b is lost.", "server_error", null, "path_broken"), await TestGateway.ErrorAsync(response, HttpStatusCode.BadGateway));
    }

    [Theory]
    [InlineData(true, "path_broken")]
    [InlineData(false, "internal_error")]
    public async Task Stream_EndsWithAnErrorAndNoDone_WhenItBreaksInTheMiddle(bool known, string code)
    {
        Exception failure = known ? new EngineException(EngineFault.PathBroken, "Worker b is lost.") : new InvalidOperationException("secret");
        await using TestGateway gateway = await TestGateway.StartAsync(
            new ScriptedGenerator((_, _) => ScriptedGenerator.SayAndFail(failure, "a", "b")));
        foreach (HttpResponseMessage response in new[] { await gateway.ChatAsync(",\"stream\":true"), await gateway.CompleteAsync(",\"stream\":true") })
        {
            List<string> events = await TestGateway.EventsAsync(response);
            Assert.Equal(code, TestGateway.ErrorOf(JsonNode.Parse(events[^1])!).Code);
            Assert.DoesNotContain("[DONE]", events);
            Assert.DoesNotContain(events, e => e.Contains("secret", StringComparison.Ordinal));
            Assert.DoesNotContain(events[..^1], e => e.Contains("\"finish_reason\":\"", StringComparison.Ordinal));
            await DisposedAsync(gateway);
        }
    }

    [Fact]
    public async Task Answer_IsAnError_WhenTheGenerationEndsWithoutAReason()
    {
        await using TestGateway gateway = await TestGateway.StartAsync(new ScriptedGenerator((_, _) => Unfinished()));
        using HttpResponseMessage whole = await gateway.ChatAsync();
        Assert.Equal("incomplete_generation", (await TestGateway.ErrorAsync(whole, HttpStatusCode.InternalServerError)).Code);
        List<string> events = await TestGateway.EventsAsync(await gateway.ChatAsync(",\"stream\":true"));
        Assert.Equal("incomplete_generation", TestGateway.ErrorOf(JsonNode.Parse(events[^1])!).Code);

        static async IAsyncEnumerable<GenerationChunk> Unfinished()
        {
            await Task.Yield();
            yield return new GenerationChunk(new TokenId(0), "a", null);
        }
    }

    private static async Task DisposedAsync(TestGateway gateway)
    {
        Assert.True(gateway.Generator.Started.TryRead(out ScriptedGeneration? generation));
        await generation.Disposed.WaitAsync(TestGateway.Cancellation);
    }
}
