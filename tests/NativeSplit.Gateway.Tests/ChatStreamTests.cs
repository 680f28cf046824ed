using System.Text;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using NativeSplit.Engine.Generation;
using NativeSplit.Gateway.Tests.Fakes;
using NativeSplit.Model;

namespace NativeSplit.Gateway.Tests;

public sealed class ChatStreamTests
{
    [Fact]
    public async Task Stream_HasTheShapeOfTheApi()
    {
        await using TestGateway gateway = await TestGateway.StartAsync(ScriptedGenerator.Saying("Hel", "", "lo"));
        using HttpResponseMessage response = await gateway.ChatAsync(""","stream":true""");
        List<string> events = await TestGateway.EventsAsync(response);
        AssertChunks(
            events,
            """{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":null}""",
            """{"index":0,"delta":{"content":"Hel"},"logprobs":null,"finish_reason":null}""",
            """{"index":0,"delta":{"content":"lo"},"logprobs":null,"finish_reason":null}""",
            """{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}""");
        Assert.Equal("no-cache", response.Headers.CacheControl?.ToString());
        Assert.Single(events[..^1].Select(e => (string)JsonNode.Parse(e)!["id"]!).Distinct());
        Assert.Single(events[..^1].Select(e => (long)JsonNode.Parse(e)!["created"]!).Distinct());
    }

    [Fact]
    public async Task Stream_TellsUsageLast_WhenAsked()
    {
        await using TestGateway gateway = await TestGateway.StartAsync(ScriptedGenerator.Saying("a", "b"));
        using HttpResponseMessage response = await gateway.ChatAsync(""","stream":true,"stream_options":{"include_usage":true}""");
        List<string> events = await TestGateway.EventsAsync(response);
        Assert.Equal("[DONE]", events[^1]);
        TestGateway.AssertAnswer(
            "chatcmpl-",
            """
            {"object":"chat.completion.chunk","model":"toy","system_fingerprint":"fp_test","choices":[],
             "usage":{"prompt_tokens":21,"completion_tokens":3,"total_tokens":24}}
            """,
            JsonNode.Parse(events[^2])!);
        foreach (string chunk in events[..^2])
        {
            JsonObject fields = JsonNode.Parse(chunk)!.AsObject();
            Assert.True(fields.TryGetPropertyValue("usage", out JsonNode? usage));
            Assert.Null(usage);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData(",\"stream_options\":{}")]
    [InlineData(",\"stream_options\":{\"include_usage\":false}")]
    public async Task Stream_DoesNotMentionUsage_UnlessAsked(string more)
    {
        await using TestGateway gateway = await TestGateway.StartAsync(ScriptedGenerator.Saying("a"));
        using HttpResponseMessage response = await gateway.ChatAsync(""","stream":true""" + more);
        Assert.All(await TestGateway.EventsAsync(response), e => Assert.DoesNotContain("usage", e, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Stream_CarriesEveryScript_AsUtf8()
    {
        string[] texts = ["Grüße ", "漢字", "🦜", "\u0000\u001f", "\u2028", "</script>", "\\\"", "e\u0301"];
        await using TestGateway gateway = await TestGateway.StartAsync(ScriptedGenerator.Saying(texts));
        using HttpResponseMessage response = await gateway.ChatAsync(""","stream":true""");
        List<string> events = await TestGateway.EventsAsync(response);
        Assert.Equal(texts, events[1..^2].Select(e => (string)JsonNode.Parse(e)!["choices"]![0]!["delta"]!["content"]!));
    }

    [Fact]
    public async Task Token_ReachesTheClient_BeforeTheNextIsMade()
    {
        Channel<string> said = Channel.CreateUnbounded<string>();
        await using TestGateway gateway = await TestGateway.StartAsync(new ScriptedGenerator((_, cancellation) => Dictated(said.Reader, cancellation)));
        Task<HttpResponseMessage> asked = gateway.ChatAsync(""","stream":true""");
        await said.Writer.WriteAsync("first", TestGateway.Cancellation);
        using HttpResponseMessage response = await asked;
        using StreamReader lines = new(await response.Content.ReadAsStreamAsync(TestGateway.Cancellation), Encoding.UTF8);
        Assert.Contains("assistant", await NextEventAsync(lines), StringComparison.Ordinal);
        Assert.Contains("first", await NextEventAsync(lines), StringComparison.Ordinal);
        await said.Writer.WriteAsync("second", TestGateway.Cancellation);
        Assert.Contains("second", await NextEventAsync(lines), StringComparison.Ordinal);
        said.Writer.Complete();
        Assert.Contains("\"finish_reason\":\"stop\"", await NextEventAsync(lines), StringComparison.Ordinal);
        Assert.Equal("data: [DONE]", await NextEventAsync(lines));
        Assert.Null(await lines.ReadLineAsync(TestGateway.Cancellation));
    }

    [Fact]
    public async Task Stream_OpensWithoutAToken_WhenTheFirstTakesLong()
    {
        Channel<string> said = Channel.CreateUnbounded<string>();
        await using TestGateway gateway = await TestGateway.StartAsync(
            new ScriptedGenerator((_, cancellation) => Dictated(said.Reader, cancellation)), new GatewayOptions { StreamStartDelay = TimeSpan.Zero });
        using HttpResponseMessage response = await gateway.ChatAsync(""","stream":true""");
        using StreamReader lines = new(await response.Content.ReadAsStreamAsync(TestGateway.Cancellation), Encoding.UTF8);
        Assert.Contains("assistant", await NextEventAsync(lines), StringComparison.Ordinal);
        said.Writer.Complete(new Engine.EngineException(Engine.EngineFault.PathBroken, "Worker b is lost."));
        JsonNode error = JsonNode.Parse((await NextEventAsync(lines))["data: ".Length..])!;
        Assert.Equal(("Worker b is lost.", "server_error", null, "path_broken"), TestGateway.ErrorOf(error));
        Assert.Null(await lines.ReadLineAsync(TestGateway.Cancellation));
    }

    [Fact]
    public async Task Streams_KeepTheirOwnTexts_WhenSixteenRunAtOnce()
    {
        // Every generation waits until all have begun, so they do run at once; then they take turns at random.
        using CountdownEvent begun = new(16);
        TaskCompletionSource all = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using TestGateway gateway = await TestGateway.StartAsync(new ScriptedGenerator((request, _) => Count(request)));
        await Task.WhenAll(Enumerable.Range(0, 16).Select(AskAsync));

        async IAsyncEnumerable<GenerationChunk> Count(GenerationRequest request)
        {
            if (begun.Signal())
            {
                all.SetResult();
            }

            await all.Task;
            for (int i = 0; i < 50; i++)
            {
                await Task.Yield();
                yield return new GenerationChunk(new TokenId(0), $"{request.Sampling.Seed}:{i} ", i == 49 ? FinishReason.Length : null);
            }
        }

        async Task AskAsync(int seed)
        {
            using HttpResponseMessage response = await gateway.ChatAsync($",\"stream\":true,\"seed\":{seed}");
            List<string> events = await TestGateway.EventsAsync(response);
            Assert.Equal("[DONE]", events[^1]);
            Assert.Equal(
                string.Concat(Enumerable.Range(0, 50).Select(i => $"{seed}:{i} ")),
                string.Concat(events[..^1].Select(e => (string?)JsonNode.Parse(e)!["choices"]![0]!["delta"]!["content"])));
        }
    }

    private static async IAsyncEnumerable<GenerationChunk> Dictated(
        ChannelReader<string> said, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation)
    {
        await foreach (string text in said.ReadAllAsync(cancellation))
        {
            yield return new GenerationChunk(new TokenId(0), text, null);
        }

        yield return new GenerationChunk(new TokenId(0), "", FinishReason.Stop);
    }

    private static async Task<string> NextEventAsync(StreamReader lines)
    {
        string? line = await lines.ReadLineAsync(TestGateway.Cancellation);
        Assert.Equal("", await lines.ReadLineAsync(TestGateway.Cancellation));
        return line!;
    }

    private static void AssertChunks(List<string> events, params string[] choices)
    {
        Assert.Equal(choices.Length + 1, events.Count);
        Assert.Equal("[DONE]", events[^1]);
        for (int i = 0; i < choices.Length; i++)
        {
            TestGateway.AssertAnswer(
                "chatcmpl-",
                $$"""{"object":"chat.completion.chunk","model":"toy","system_fingerprint":"fp_test","choices":[{{choices[i]}}]}""",
                JsonNode.Parse(events[i])!);
        }
    }
}
