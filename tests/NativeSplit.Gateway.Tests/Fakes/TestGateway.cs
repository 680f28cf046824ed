using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;

namespace NativeSplit.Gateway.Tests.Fakes;

/// <summary>A gateway with one scripted model on a free loopback port, and a client for it.</summary>
internal sealed class TestGateway : IAsyncDisposable
{
    public const string ModelName = "toy";

    private TestGateway(GatewayServer server, ScriptedGenerator generator)
    {
        Server = server;
        Generator = generator;
        Client = new HttpClient { BaseAddress = server.Url, Timeout = TimeSpan.FromSeconds(60) };
    }

    public GatewayServer Server { get; }

    public ScriptedGenerator Generator { get; }

    public HttpClient Client { get; }

    public static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static async Task<TestGateway> StartAsync(
        ScriptedGenerator generator, GatewayOptions? options = null, Func<GatewayModel, GatewayModel>? change = null, ILoggerFactory? loggers = null)
    {
        GatewayModel model = new()
        {
            Name = ModelName,
            Generator = generator,
            Tokenizer = new ByteTokenizer(),
            RenderChat = ChatMl.Render,
            Created = DateTimeOffset.FromUnixTimeSeconds(1_700_000_000),
            SystemFingerprint = "fp_test",
        };
        return new TestGateway(await GatewayServer.StartAsync(options ?? new GatewayOptions(), [change?.Invoke(model) ?? model], loggers, Cancellation), generator);
    }

    /// <summary>Posts JSON; ends with the headers, so that a stream can be read as it comes.</summary>
    public Task<HttpResponseMessage> PostAsync(string path, string json) => Client.SendAsync(
        new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(json, Encoding.UTF8, "application/json") },
        HttpCompletionOption.ResponseHeadersRead,
        Cancellation);

    public Task<HttpResponseMessage> ChatAsync(string more = "") =>
        PostAsync("/v1/chat/completions", $$"""{"model":"toy","messages":[{"role":"user","content":"Hi"}]{{more}}}""");

    public Task<HttpResponseMessage> CompleteAsync(string more = "") =>
        PostAsync("/v1/completions", $$"""{"model":"toy","prompt":"Hi"{{more}}}""");

    /// <summary>The body of a response that must have the status.</summary>
    public static async Task<JsonNode> JsonAsync(HttpResponseMessage response, HttpStatusCode status = HttpStatusCode.OK)
    {
        string body = await response.Content.ReadAsStringAsync(Cancellation);
        Assert.True(status == response.StatusCode, $"{(int)response.StatusCode}: {body}");
        Assert.Equal("application/json", response.Content.Headers.ContentType?.ToString());
        return JsonNode.Parse(body)!;
    }

    /// <summary>The error of a response: exactly the four fields.</summary>
    public static async Task<(string Message, string Type, string? Param, string? Code)> ErrorAsync(HttpResponseMessage response, HttpStatusCode status)
    {
        JsonNode body = await JsonAsync(response, status);
        return ErrorOf(body);
    }

    public static (string Message, string Type, string? Param, string? Code) ErrorOf(JsonNode body)
    {
        Assert.Equal(["error"], body.AsObject().Select(field => field.Key));
        JsonObject error = body["error"]!.AsObject();
        Assert.Equal(["code", "message", "param", "type"], error.Select(field => field.Key).Order());
        return ((string)error["message"]!, (string)error["type"]!, (string?)error["param"], (string?)error["code"]);
    }

    /// <summary>The payloads of a whole stream; checks the framing of server-sent events.</summary>
    public static async Task<List<string>> EventsAsync(HttpResponseMessage response)
    {
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType?.MediaType);
        string body = Encoding.UTF8.GetString(await response.Content.ReadAsByteArrayAsync(Cancellation));
        Assert.EndsWith("\n\n", body, StringComparison.Ordinal);
        List<string> events = [];
        foreach (string block in body[..^2].Split("\n\n"))
        {
            Assert.StartsWith("data: ", block, StringComparison.Ordinal);
            Assert.DoesNotContain('\n', block);
            events.Add(block["data: ".Length..]);
        }

        return events;
    }

    /// <summary>Compares JSON whatever the order of fields, after taking <c>id</c> and <c>created</c> out of the actual one.</summary>
    public static void AssertAnswer(string idPrefix, string expected, JsonNode actual)
    {
        JsonObject answer = actual.DeepClone().AsObject();
        Assert.Matches($"^{idPrefix}[0-9a-f]{{32}}$", (string)answer["id"]!);
        Assert.InRange((long)answer["created"]!, 1_700_000_000, DateTimeOffset.UtcNow.ToUnixTimeSeconds());
        answer.Remove("id");
        answer.Remove("created");
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(expected), answer), $"expected {expected}\nbut got {answer.ToJsonString()}");
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await Server.DisposeAsync();
    }
}
