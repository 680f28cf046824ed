using System.Net;
using System.Text.Json.Nodes;
using NativeSplit.Gateway.Tests.Fakes;

namespace NativeSplit.Gateway.Tests;

public sealed class RoutingTests
{
    private const string Toy = """{"id":"toy","object":"model","created":1700000000,"owned_by":"nativesplit"}""";
    private const string Alias = """{"id":"org/toy-1","object":"model","created":1700000000,"owned_by":"nativesplit"}""";

    [Fact]
    public async Task Models_AreListed_UnderEveryName()
    {
        await using TestGateway gateway = await StartAsync();
        JsonNode list = await TestGateway.JsonAsync(await gateway.Client.GetAsync("/v1/models", TestGateway.Cancellation));
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse($$"""{"object":"list","data":[{{Toy}},{{Alias}}]}"""), list), list.ToJsonString());
    }

    [Theory]
    [InlineData("/v1/models/toy", Toy)]
    [InlineData("/v1/models/org/toy-1", Alias)]
    [InlineData("/v1/models/org%2Ftoy-1", Alias)]
    public async Task Model_IsFound_ByName(string path, string expected)
    {
        await using TestGateway gateway = await StartAsync();
        JsonNode model = await TestGateway.JsonAsync(await gateway.Client.GetAsync(path, TestGateway.Cancellation));
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(expected), model), model.ToJsonString());
    }

    [Fact]
    public async Task Answer_NamesTheModel_AsTheRequestDid()
    {
        await using TestGateway gateway = await StartAsync();
        JsonNode answer = await TestGateway.JsonAsync(await gateway.PostAsync("/v1/completions", """{"model":"org/toy-1","prompt":"Hi"}"""));
        Assert.Equal("org/toy-1", (string)answer["model"]!);
    }

    [Fact]
    public async Task Model_IsNotFound_WhenNoneHasTheName()
    {
        await using TestGateway gateway = await StartAsync();
        Assert.Equal(
            ("The model 'gpt-x' does not exist", "invalid_request_error", "model", "model_not_found"),
            await TestGateway.ErrorAsync(await gateway.Client.GetAsync("/v1/models/gpt-x", TestGateway.Cancellation), HttpStatusCode.NotFound));
    }

    [Theory]
    [InlineData("GET", "/v1/nothing")]
    [InlineData("POST", "/v1/embeddings")]
    [InlineData("GET", "/")]
    [InlineData("GET", "/v1/chat")]
    public async Task Url_IsNotFound_WhenUnknown(string method, string path)
    {
        await using TestGateway gateway = await StartAsync();
        HttpResponseMessage response = await gateway.Client.SendAsync(new HttpRequestMessage(new HttpMethod(method), path), TestGateway.Cancellation);
        (string message, string type, string? param, _) = await TestGateway.ErrorAsync(response, HttpStatusCode.NotFound);
        Assert.Equal(($"Invalid URL ({method} {path})", "invalid_request_error", null), (message, type, param));
    }

    [Theory]
    [InlineData("GET", "/v1/chat/completions", "POST")]
    [InlineData("DELETE", "/v1/completions", "POST")]
    [InlineData("POST", "/v1/models", "GET")]
    public async Task Method_IsNotAllowed_WhenTheUrlHasAnother(string method, string path, string allowed)
    {
        await using TestGateway gateway = await StartAsync();
        HttpResponseMessage response = await gateway.Client.SendAsync(new HttpRequestMessage(new HttpMethod(method), path), TestGateway.Cancellation);
        (string message, string type, _, string? code) = await TestGateway.ErrorAsync(response, HttpStatusCode.MethodNotAllowed);
        Assert.StartsWith($"Not allowed to {method} on {path}.", message, StringComparison.Ordinal);
        Assert.Equal(("invalid_request_error", "method_not_supported"), (type, code));
        Assert.Equal([allowed], response.Content.Headers.Allow);
    }

    [Fact]
    public async Task Response_NamesItselfButNotTheServer()
    {
        await using TestGateway gateway = await StartAsync();
        using HttpResponseMessage first = await gateway.Client.GetAsync("/healthz", TestGateway.Cancellation);
        using HttpResponseMessage second = await gateway.Client.GetAsync("/healthz", TestGateway.Cancellation);
        Assert.Empty(first.Headers.Server);
        string firstId = Assert.Single(first.Headers.GetValues("x-request-id"));
        Assert.NotEqual(firstId, Assert.Single(second.Headers.GetValues("x-request-id")));
    }

    [Fact]
    public async Task Readiness_FollowsTheModels_AndLivenessDoesNot()
    {
        bool ready = false;
        await using TestGateway gateway = await TestGateway.StartAsync(
            ScriptedGenerator.Saying("x"), change: model => model with { IsReady = () => ready });
        HttpResponseMessage before = await gateway.Client.GetAsync("/readyz", TestGateway.Cancellation);
        Assert.Equal("not_ready", (await TestGateway.ErrorAsync(before, HttpStatusCode.ServiceUnavailable)).Code);
        Assert.Equal(TimeSpan.FromSeconds(1), before.Headers.RetryAfter?.Delta);
        await TestGateway.JsonAsync(await gateway.Client.GetAsync("/healthz", TestGateway.Cancellation));
        ready = true;
        await TestGateway.JsonAsync(await gateway.Client.GetAsync("/readyz", TestGateway.Cancellation));
    }

    private static Task<TestGateway> StartAsync() =>
        TestGateway.StartAsync(ScriptedGenerator.Saying("x"), change: model => model with { Aliases = ["org/toy-1"] });
}
