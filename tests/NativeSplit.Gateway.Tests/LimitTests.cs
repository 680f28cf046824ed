using System.Net;
using System.Net.Http.Headers;
using System.Text;
using NativeSplit.Gateway.Tests.Fakes;

namespace NativeSplit.Gateway.Tests;

public sealed class LimitTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Body_IsRefusedWith413_WhenLongerThanTheLimit(bool tellsLength)
    {
        await using TestGateway gateway = await TestGateway.StartAsync(
            ScriptedGenerator.Saying("x"), new GatewayOptions { MaxRequestBodyBytes = 1000 });
        byte[] body = Encoding.UTF8.GetBytes($"{{\"model\":\"toy\",\"prompt\":\"{new string('a', 1000)}\"}}");
        using HttpContent content = tellsLength ? new ByteArrayContent(body) : new UnknownLengthContent(body);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        using HttpResponseMessage response = await gateway.Client.PostAsync("/v1/completions", content, TestGateway.Cancellation);
        (string message, string type, _, _) = await TestGateway.ErrorAsync(response, HttpStatusCode.RequestEntityTooLarge);
        Assert.Equal("invalid_request_error", type);
        Assert.Contains("1000 bytes", message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Prompt_IsRefused_WhenLongerThanTheCharacterLimit()
    {
        await using TestGateway gateway = await TestGateway.StartAsync(
            ScriptedGenerator.Saying("x"), new GatewayOptions { MaxPromptCharacters = 50 });
        using HttpResponseMessage completion = await gateway.PostAsync("/v1/completions", $"{{\"model\":\"toy\",\"prompt\":\"{new string('a', 51)}\"}}");
        (_, _, string? param, string? code) = await TestGateway.ErrorAsync(completion, HttpStatusCode.BadRequest);
        Assert.Equal(("prompt", "string_above_max_length"), (param, code));

        // 20 characters of content, but more than 50 with what the template adds.
        using HttpResponseMessage chat = await gateway.PostAsync(
            "/v1/chat/completions", $"{{\"model\":\"toy\",\"messages\":[{{\"role\":\"user\",\"content\":\"{new string('a', 20)}\"}}]}}");
        (_, _, param, code) = await TestGateway.ErrorAsync(chat, HttpStatusCode.BadRequest);
        Assert.Equal(("messages", "string_above_max_length"), (param, code));
    }

    [Theory]
    [InlineData("/v1/completions", "\"prompt\":\"0123456789\"", "prompt", 11)]
    [InlineData("/v1/completions", "\"prompt\":[1,2,3,4,5,6,7,8,9,10]", "prompt", 10)]
    [InlineData("/v1/chat/completions", "\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]", "messages", 21)]
    public async Task Prompt_IsRefused_WhenItFillsTheContext(string path, string fields, string param, int tokens)
    {
        await using TestGateway gateway = await TestGateway.StartAsync(
            new ScriptedGenerator((_, _) => ScriptedGenerator.Say("x")) { ContextLength = 10 });
        using HttpResponseMessage response = await gateway.PostAsync(path, $"{{\"model\":\"toy\",{fields}}}");
        (string message, string type, string? actualParam, string? code) = await TestGateway.ErrorAsync(response, HttpStatusCode.BadRequest);
        Assert.Equal(("invalid_request_error", param, "context_length_exceeded"), (type, actualParam, code));
        Assert.Contains("maximum context length is 10 tokens", message, StringComparison.Ordinal);
        Assert.Contains($"resulted in {tokens} tokens", message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Request_IsServed_WithThousandsOfMessages()
    {
        await using TestGateway gateway = await TestGateway.StartAsync(
            new ScriptedGenerator((_, _) => ScriptedGenerator.Say("x")) { ContextLength = 1_000_000 });
        string messages = string.Join(',', Enumerable.Repeat("{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\",\"content\":\"b\"}", 5000));
        using HttpResponseMessage response = await gateway.PostAsync("/v1/chat/completions", $"{{\"model\":\"toy\",\"messages\":[{messages}]}}");
        await TestGateway.JsonAsync(response);
    }

    private sealed class UnknownLengthContent(byte[] body) : HttpContent
    {
        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => stream.WriteAsync(body).AsTask();

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
