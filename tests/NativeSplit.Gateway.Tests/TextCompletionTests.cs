using System.Net;
using System.Text.Json.Nodes;
using NativeSplit.Engine.Generation;
using NativeSplit.Gateway.Tests.Fakes;

namespace NativeSplit.Gateway.Tests;

public sealed class TextCompletionTests
{
    [Fact]
    public async Task Answer_HasTheShapeOfTheApi_WhenNotStreamed()
    {
        await using TestGateway gateway = await TestGateway.StartAsync(ScriptedGenerator.Saying(" there", "."));
        JsonNode answer = await TestGateway.JsonAsync(await gateway.CompleteAsync());
        TestGateway.AssertAnswer(
            "cmpl-",
            """
            {
              "object": "text_completion", "model": "toy", "system_fingerprint": "fp_test",
              "choices": [{ "index": 0, "text": " there.", "logprobs": null, "finish_reason": "stop" }],
              "usage": { "prompt_tokens": 3, "completion_tokens": 3, "total_tokens": 6 }
            }
            """,
            answer);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Stream_HasTheShapeOfTheApi(bool includeUsage)
    {
        await using TestGateway gateway = await TestGateway.StartAsync(ScriptedGenerator.Saying(" the", "re"));
        using HttpResponseMessage response = await gateway.CompleteAsync(
            $",\"stream\":true,\"stream_options\":{{\"include_usage\":{(includeUsage ? "true" : "false")}}}");
        List<string> events = await TestGateway.EventsAsync(response);
        List<string> expected =
        [
            """{"index":0,"text":" the","logprobs":null,"finish_reason":null}""",
            """{"index":0,"text":"re","logprobs":null,"finish_reason":null}""",
            """{"index":0,"text":"","logprobs":null,"finish_reason":"stop"}""",
        ];
        Assert.Equal(expected.Count + (includeUsage ? 2 : 1), events.Count);
        for (int i = 0; i < expected.Count; i++)
        {
            TestGateway.AssertAnswer(
                "cmpl-",
                $$"""{"object":"text_completion","model":"toy","system_fingerprint":"fp_test","choices":[{{expected[i]}}]{{(includeUsage ? ",\"usage\":null" : "")}}}""",
                JsonNode.Parse(events[i])!);
        }

        if (includeUsage)
        {
            TestGateway.AssertAnswer(
                "cmpl-",
                """
                {"object":"text_completion","model":"toy","system_fingerprint":"fp_test","choices":[],
                 "usage":{"prompt_tokens":3,"completion_tokens":3,"total_tokens":6}}
                """,
                JsonNode.Parse(events[3])!);
        }

        Assert.Equal("[DONE]", events[^1]);
    }

    [Theory]
    [InlineData("\"Hi\"", "«<s>»Hi")]
    [InlineData("[\"Hi\"]", "«<s>»Hi")]
    [InlineData("\"\"", "«<s>»")]
    [InlineData("[72,105]", "Hi")]
    [InlineData("[[72,259,105]]", "H«<|im_end|>»i")]
    [InlineData("\"<|im_start|>user\\nHi<|im_end|>\"", "«<s>»«<|im_start|>»user\nHi«<|im_end|>»")]
    [InlineData("\"<s>Hi\"", "«<s>»Hi")]
    [InlineData("\"\\ud83e\\udd9c\"", "«<s>»🦜")]
    public async Task Prompt_BecomesIds_InEveryForm(string prompt, string expected)
    {
        GenerationRequest request = await AskAsync($"\"prompt\":{prompt}");
        Assert.Equal(expected, ByteTokenizer.Show(request.Prompt));
    }

    [Theory]
    [InlineData("", null, 16)]
    [InlineData("", 50, 50)]
    [InlineData(",\"max_tokens\":5", 50, 5)]
    [InlineData(",\"max_completion_tokens\":6", 50, 6)]
    public async Task MaxTokens_IsTheRequestsThenTheOptionsThenTheApis(string more, int? option, int expected)
    {
        GenerationRequest request = await AskAsync("\"prompt\":\"Hi\"" + more, new GatewayOptions { DefaultMaxTokens = option });
        Assert.Equal(expected, request.MaxTokens);
    }

    [Theory]
    [InlineData(",\"echo\":false,\"suffix\":null,\"logprobs\":null,\"best_of\":1,\"n\":1")]
    [InlineData(",\"suffix\":\"\",\"echo\":null,\"best_of\":null")]
    public async Task Request_IsServed_WhenUnsupportedFieldsAskForNothing(string more) =>
        Assert.Equal("«<s>»Hi", ByteTokenizer.Show((await AskAsync("\"prompt\":\"Hi\"" + more)).Prompt));

    [Fact]
    public async Task Request_IsServed_WithoutAChatTemplate()
    {
        await using TestGateway gateway = await TestGateway.StartAsync(
            ScriptedGenerator.Saying("x"), change: model => model with { RenderChat = null, SystemFingerprint = null });
        JsonNode answer = await TestGateway.JsonAsync(await gateway.CompleteAsync());
        Assert.Equal("x", (string)answer["choices"]![0]!["text"]!);
        Assert.Null(answer["system_fingerprint"]);
    }

    private static async Task<GenerationRequest> AskAsync(string fields, GatewayOptions? options = null)
    {
        await using TestGateway gateway = await TestGateway.StartAsync(ScriptedGenerator.Saying("x"), options);
        using HttpResponseMessage response = await gateway.PostAsync("/v1/completions", $"{{\"model\":\"toy\",{fields}}}");
        await TestGateway.JsonAsync(response);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.True(gateway.Generator.Started.TryRead(out ScriptedGeneration? generation));
        return generation.Request;
    }
}
