using System.Net;
using System.Text.Json.Nodes;
using NativeSplit.Engine.Generation;
using NativeSplit.Engine.Sampling;
using NativeSplit.Gateway.Tests.Fakes;
using NativeSplit.Model;
using NativeSplit.Model.Files;

namespace NativeSplit.Gateway.Tests;

public sealed class ChatCompletionTests
{
    [Fact]
    public async Task Answer_HasTheShapeOfTheApi_WhenNotStreamed()
    {
        await using TestGateway gateway = await TestGateway.StartAsync(ScriptedGenerator.Saying("Hel", "lo ", "\"you\"\n"));
        JsonNode answer = await TestGateway.JsonAsync(await gateway.ChatAsync());
        // The prompt: <|im_start|> "user\n" "Hi" <|im_end|> "\n" <|im_start|> "assistant\n" = 1+5+2+1+1+1+10 tokens.
        TestGateway.AssertAnswer(
            "chatcmpl-",
            """
            {
              "object": "chat.completion", "model": "toy", "system_fingerprint": "fp_test",
              "choices": [{
                "index": 0, "message": { "role": "assistant", "content": "Hello \"you\"\n", "refusal": null },
                "logprobs": null, "finish_reason": "stop"
              }],
              "usage": { "prompt_tokens": 21, "completion_tokens": 4, "total_tokens": 25 }
            }
            """,
            answer);
    }

    [Fact]
    public async Task Answer_FinishesWithLength_WhenTheGeneratorRanOut()
    {
        await using TestGateway gateway = await TestGateway.StartAsync(new ScriptedGenerator((_, _) => OneToken()));
        JsonNode answer = await TestGateway.JsonAsync(await gateway.ChatAsync());
        Assert.Equal("length", (string)answer["choices"]![0]!["finish_reason"]!);
        Assert.Equal("a", (string)answer["choices"]![0]!["message"]!["content"]!);

        static async IAsyncEnumerable<GenerationChunk> OneToken()
        {
            await Task.Yield();
            yield return new GenerationChunk(new TokenId(0), "a", FinishReason.Length);
        }
    }

    [Fact]
    public async Task Request_ReachesTheGenerator_WithEveryField()
    {
        GenerationRequest request = await AskAsync(
            """
            ,"temperature":0.5,"top_p":0.25,"n":1,"max_completion_tokens":7,"stop":["x","y"],"seed":-3,"frequency_penalty":-1.5,
            "presence_penalty":1,"logit_bias":{"5":-100,"259":2.5},"top_k":40,"min_p":0.125,"repetition_penalty":1.25,"ignore_eos":true,
            "user":"u","metadata":{"a":"b"},"store":true,"something_new":{"x":[1]},"logprobs":false,"response_format":{"type":"text"},
            "modalities":["text"],"tools":[],"service_tier":"auto"
            """);
        Assert.Equal(7, request.MaxTokens);
        Assert.Equal(["x", "y"], request.Stop);
        Assert.True(request.IgnoreEndOfGeneration);
        SamplingOptions sampling = request.Sampling;
        Assert.Equal(0.5f, sampling.Temperature);
        Assert.Equal(0.25f, sampling.TopP);
        Assert.Equal(40, sampling.TopK);
        Assert.Equal(0.125f, sampling.MinP);
        Assert.Equal(1.25f, sampling.RepetitionPenalty);
        Assert.Equal(-1.5f, sampling.FrequencyPenalty);
        Assert.Equal(1f, sampling.PresencePenalty);
        Assert.Equal(unchecked((ulong)-3L), sampling.Seed);
        Assert.Equal(2, sampling.LogitBias.Count);
        Assert.Equal(-100f, sampling.LogitBias[new TokenId(5)]);
        Assert.Equal(2.5f, sampling.LogitBias[new TokenId(259)]);
    }

    [Fact]
    public async Task Request_HasTheApisDefaults_WhenNobodySaysMore()
    {
        GenerationRequest request = await AskAsync("""
            ,"temperature":null,"stop":null,"seed":null,"max_tokens":null,"logit_bias":null,"stream":null,"stream_options":null,"tools":null
            """);
        Assert.Null(request.MaxTokens);
        Assert.Equal(new SamplingOptions(), request.Sampling);
        Assert.Empty(request.Stop);
        Assert.False(request.IgnoreEndOfGeneration);
        Assert.False(request.PrintSpecial);
    }

    [Fact]
    public async Task Request_HasTheModelsDefaults_WhenItSaysNothing()
    {
        GenerationDefaults defaults = new() { Temperature = 0.6f, TopK = 20, TopP = 0.95f, MinP = 0.01f, RepetitionPenalty = 1.05f, MaxNewTokens = 99 };
        GenerationRequest request = await AskAsync("", defaults);
        Assert.Equal(99, request.MaxTokens);
        Assert.Equal(
            new SamplingOptions { Temperature = 0.6f, TopK = 20, TopP = 0.95f, MinP = 0.01f, RepetitionPenalty = 1.05f }, request.Sampling);

        GenerationRequest explicitly = await AskAsync(""","temperature":0,"top_k":0,"max_tokens":3""", defaults);
        Assert.Equal(0f, explicitly.Sampling.Temperature);
        Assert.Equal(0, explicitly.Sampling.TopK);
        Assert.Equal(3, explicitly.MaxTokens);
    }

    [Fact]
    public async Task MaxTokens_EndsWithTheContext_WhenItAsksForMore()
    {
        GenerationRequest request = await AskAsync(""","max_tokens":1000000""");
        Assert.Equal(4096 - 21, request.MaxTokens);
    }

    [Theory]
    [InlineData(0, 1e-6f)]
    [InlineData(1, 1f)]
    public async Task TopP_StaysInTheSamplersRange_AtTheApisEdges(int given, float expected) =>
        Assert.Equal(expected, (await AskAsync($",\"top_p\":{given}")).Sampling.TopP);

    [Fact]
    public async Task Messages_ReachTheTemplate_InEveryForm()
    {
        string prompt = await PromptAsync(
            """
            "messages":[
              {"role":"developer","content":"Be brief."},
              {"role":"user","content":[{"type":"text","text":"one"},{"type":"text","text":"two"}],"name":"bo"},
              {"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{\"x\":1}"}}]},
              {"role":"tool","tool_call_id":"c1","content":"3 €"},
              {"role":"assistant","content":"ok"}
            ],"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","required":["x"],"n":1.50,"b":true,"z":null}}}]
            """);
        Assert.Equal(
            """
            «<|im_start|>»tools
            {"type":"function","function":{"name":"f","parameters":{"type":"object","required":["x"],"n":1.50,"b":true,"z":null}}}
            «<|im_end|>»
            «<|im_start|>»system
            Be brief.«<|im_end|>»
            «<|im_start|>»user
            one
            two«<|im_end|>»
            «<|im_start|>»assistant
            [{"id":"c1","type":"function","function":{"name":"f","arguments":"{\"x\":1}"}}]«<|im_end|>»
            «<|im_start|>»tool
            3 €«<|im_end|>»
            «<|im_start|>»assistant
            ok«<|im_end|>»
            «<|im_start|>»assistant

            """,
            prompt);
    }

    [Theory]
    [InlineData("none", false)]
    [InlineData("auto", true)]
    public async Task Tools_ReachTheTemplate_UnlessTheChoiceIsNone(string choice, bool shown)
    {
        string prompt = await PromptAsync(
            $$$"""
            "messages":[{"role":"user","content":"Hi"}],"tool_choice":"{{{choice}}}","tools":[{"type":"function","function":{"name":"f"}}]
            """);
        Assert.Equal(shown, prompt.Contains("function", StringComparison.Ordinal));
    }

    private static async Task<string> PromptAsync(string fields)
    {
        await using TestGateway gateway = await TestGateway.StartAsync(ScriptedGenerator.Saying("x"));
        using HttpResponseMessage response = await gateway.PostAsync("/v1/chat/completions", $$"""{"model":"toy",{{fields}}}""");
        await TestGateway.JsonAsync(response);
        Assert.True(gateway.Generator.Started.TryRead(out ScriptedGeneration? generation));
        return ByteTokenizer.Show(generation.Request.Prompt);
    }

    private static async Task<GenerationRequest> AskAsync(string more, GenerationDefaults? defaults = null)
    {
        await using TestGateway gateway = await TestGateway.StartAsync(
            ScriptedGenerator.Saying("x"), change: model => model with { Defaults = defaults ?? GenerationDefaults.None });
        using HttpResponseMessage response = await gateway.ChatAsync(more);
        await TestGateway.JsonAsync(response);
        Assert.True(gateway.Generator.Started.TryRead(out ScriptedGeneration? generation));
        await generation.Disposed.WaitAsync(TestGateway.Cancellation);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return generation.Request;
    }
}
