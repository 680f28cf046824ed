using System.Net;
using System.Net.Http.Headers;
using NativeSplit.Gateway.Tests.Fakes;

namespace NativeSplit.Gateway.Tests;

public sealed class AuthenticationTests
{
    private static readonly GatewayOptions TwoKeys = new() { ApiKeys = ["sk-one", "sk-two"] };

    [Theory]
    [InlineData("Bearer sk-one")]
    [InlineData("Bearer sk-two")]
    [InlineData("bearer sk-two")]
    public async Task Request_IsServed_WithAnyOfTheKeys(string header)
    {
        await using TestGateway gateway = await TestGateway.StartAsync(ScriptedGenerator.Saying("x"), TwoKeys);
        gateway.Client.DefaultRequestHeaders.Authorization = AuthenticationHeaderValue.Parse(header);
        await TestGateway.JsonAsync(await gateway.ChatAsync());
    }

    [Theory]
    [InlineData("Bearer sk-three")]
    [InlineData("Bearer sk-on")]
    [InlineData("Bearer sk-onee")]
    [InlineData("Bearer SK-ONE")]
    [InlineData("Bearer sk-one,sk-two")]
    public async Task Request_IsRefused_WithAWrongKey(string header)
    {
        await using TestGateway gateway = await TestGateway.StartAsync(ScriptedGenerator.Saying("x"), TwoKeys);
        gateway.Client.DefaultRequestHeaders.TryAddWithoutValidation("Authorization", header);
        HttpResponseMessage response = await gateway.ChatAsync();
        (string message, string type, string? param, string? code) = await TestGateway.ErrorAsync(response, HttpStatusCode.Unauthorized);
        Assert.Equal(("invalid_request_error", null, "invalid_api_key"), (type, param, code));
        Assert.DoesNotContain("sk-", message, StringComparison.Ordinal);
        Assert.Equal("Bearer", response.Headers.WwwAuthenticate.ToString());
        Assert.False(gateway.Generator.Started.TryRead(out _));
    }

    [Theory]
    [InlineData(null, "/v1/models")]
    [InlineData("Basic c2stb25l", "/v1/models")]
    [InlineData("sk-one", "/v1/models")]
    [InlineData(null, "/v1/nothing")]
    [InlineData(null, "/v1/models/toy")]
    public async Task Request_IsRefused_WithoutAKey(string? header, string path)
    {
        await using TestGateway gateway = await TestGateway.StartAsync(ScriptedGenerator.Saying("x"), TwoKeys);
        if (header is not null)
        {
            gateway.Client.DefaultRequestHeaders.TryAddWithoutValidation("Authorization", header);
        }

        HttpResponseMessage response = await gateway.Client.GetAsync(path, TestGateway.Cancellation);
        (_, string type, _, string? code) = await TestGateway.ErrorAsync(response, HttpStatusCode.Unauthorized);
        Assert.Equal(("invalid_request_error", null), (type, code));
    }

    [Theory]
    [InlineData("/healthz")]
    [InlineData("/readyz")]
    public async Task Health_NeedsNoKey(string path)
    {
        await using TestGateway gateway = await TestGateway.StartAsync(ScriptedGenerator.Saying("x"), TwoKeys);
        await TestGateway.JsonAsync(await gateway.Client.GetAsync(path, TestGateway.Cancellation));
    }

    [Fact]
    public async Task Request_NeedsNoKey_WhenNoneIsConfigured()
    {
        await using TestGateway gateway = await TestGateway.StartAsync(ScriptedGenerator.Saying("x"));
        gateway.Client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", "anything");
        await TestGateway.JsonAsync(await gateway.ChatAsync());
    }
}
