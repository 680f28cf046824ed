using System.ClientModel;
using System.Text;
using Microsoft.Extensions.AI;
using NativeSplit.Gateway.Tests.Fakes;
using OpenAI;
using OpenAI.Chat;
using OpenAI.Models;
using ChatFinishReason = OpenAI.Chat.ChatFinishReason;

namespace NativeSplit.Gateway.Tests;

/// <summary>The OpenAI .NET library and Microsoft.Extensions.AI, as published, against the gateway.</summary>
public sealed class PublishedClientTests
{
    private const string Key = "sk-local";
    private static readonly string[] Texts = ["Grüße ", "aus ", "漢字 ", "🦜"];

    [Fact]
    public async Task OpenAI_ReadsAWholeAnswer()
    {
        await using TestGateway gateway = await StartAsync();
        ClientResult<ChatCompletion> result = await Client(gateway).GetChatClient(TestGateway.ModelName).CompleteChatAsync(
            [new SystemChatMessage("Be brief."), new UserChatMessage("Hi")],
            new ChatCompletionOptions { MaxOutputTokenCount = 9, Temperature = 0.5f, StopSequences = { "x" } },
            TestGateway.Cancellation);
        ChatCompletion answer = result.Value;
        Assert.Equal(string.Concat(Texts), Assert.Single(answer.Content).Text);
        Assert.Equal(ChatFinishReason.Stop, answer.FinishReason);
        Assert.Equal(ChatMessageRole.Assistant, answer.Role);
        Assert.Equal(TestGateway.ModelName, answer.Model);
        Assert.Equal(Texts.Length + 1, answer.Usage.OutputTokenCount);
        Assert.Equal(answer.Usage.InputTokenCount + answer.Usage.OutputTokenCount, answer.Usage.TotalTokenCount);
        Assert.True(gateway.Generator.Started.TryRead(out ScriptedGeneration? generation));
        Assert.Equal(9, generation.Request.MaxTokens);
        Assert.Equal(0.5f, generation.Request.Sampling.Temperature);
        Assert.Equal(["x"], generation.Request.Stop);
        Assert.Equal(answer.Usage.InputTokenCount, generation.Request.Prompt.Count);
        Assert.Equal(
            "«<|im_start|>»system\nBe brief.«<|im_end|>»\n«<|im_start|>»user\nHi«<|im_end|>»\n«<|im_start|>»assistant\n",
            ByteTokenizer.Show(generation.Request.Prompt));
    }

    [Fact]
    public async Task OpenAI_ReadsAStream()
    {
        await using TestGateway gateway = await StartAsync();
        List<string> texts = [];
        ChatFinishReason? finish = null;
        ChatTokenUsage? usage = null;
        await foreach (StreamingChatCompletionUpdate update in Client(gateway).GetChatClient(TestGateway.ModelName)
            .CompleteChatStreamingAsync([new UserChatMessage("Hi")], cancellationToken: TestGateway.Cancellation))
        {
            texts.AddRange(update.ContentUpdate.Select(part => part.Text).Where(text => text.Length > 0));
            finish = update.FinishReason ?? finish;
            usage = update.Usage ?? usage;
        }

        Assert.Equal(Texts, texts);
        Assert.Equal(ChatFinishReason.Stop, finish);
        Assert.Equal(Texts.Length + 1, usage?.OutputTokenCount);
    }

    [Fact]
    public async Task OpenAI_ListsModels()
    {
        await using TestGateway gateway = await StartAsync();
        OpenAIModelClient models = Client(gateway).GetOpenAIModelClient();
        OpenAIModelCollection all = (await models.GetModelsAsync(TestGateway.Cancellation)).Value;
        OpenAIModel listed = Assert.Single(all);
        Assert.Equal((TestGateway.ModelName, "nativesplit"), (listed.Id, listed.OwnedBy));
        Assert.Equal(DateTimeOffset.FromUnixTimeSeconds(1_700_000_000), listed.CreatedAt);
        Assert.Equal(TestGateway.ModelName, (await models.GetModelAsync(TestGateway.ModelName, TestGateway.Cancellation)).Value.Id);
    }

    [Fact]
    public async Task OpenAI_ThrowsTheApisErrors()
    {
        await using TestGateway gateway = await StartAsync();
        ClientResultException unknown = await Assert.ThrowsAsync<ClientResultException>(() => Client(gateway).GetChatClient("gpt-x")
            .CompleteChatAsync([new UserChatMessage("Hi")], cancellationToken: TestGateway.Cancellation));
        Assert.Equal(404, unknown.Status);
        Assert.Contains("model_not_found", unknown.Message, StringComparison.Ordinal);
        ClientResultException locked = await Assert.ThrowsAsync<ClientResultException>(() => Client(gateway, "sk-wrong").GetChatClient(TestGateway.ModelName)
            .CompleteChatAsync([new UserChatMessage("Hi")], cancellationToken: TestGateway.Cancellation));
        Assert.Equal(401, locked.Status);
        Assert.Contains("invalid_api_key", locked.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task OpenAI_OffersTools_AndAnswersTheirCalls()
    {
        await using TestGateway gateway = await StartAsync();
        ChatTool tool = ChatTool.CreateFunctionTool("weather", "Tells it.", BinaryData.FromString("""{"type":"object","properties":{}}"""));
        ChatToolCall call = ChatToolCall.CreateFunctionToolCall("c1", "weather", BinaryData.FromString("{}"));
        await Client(gateway).GetChatClient(TestGateway.ModelName).CompleteChatAsync(
            [new UserChatMessage("Hi"), new AssistantChatMessage([call]), new ToolChatMessage("c1", "Sun.")],
            new ChatCompletionOptions { Tools = { tool }, ToolChoice = ChatToolChoice.CreateAutoChoice() },
            TestGateway.Cancellation);
        Assert.True(gateway.Generator.Started.TryRead(out ScriptedGeneration? generation));
        string prompt = ByteTokenizer.Show(generation.Request.Prompt);
        Assert.Contains("\"description\":\"Tells it.\"", prompt, StringComparison.Ordinal);
        Assert.Contains("\"id\":\"c1\"", prompt, StringComparison.Ordinal);
        Assert.Contains("«<|im_start|>»tool\nSun.«<|im_end|>»", prompt, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ExtensionsAI_ReadsAWholeAnswer()
    {
        await using TestGateway gateway = await StartAsync();
        using IChatClient client = Client(gateway).GetChatClient(TestGateway.ModelName).AsIChatClient();
        ChatResponse answer = await client.GetResponseAsync(
            [new(ChatRole.System, "Be brief."), new(ChatRole.User, "Hi")],
            new ChatOptions { MaxOutputTokens = 9, Temperature = 0, TopP = 0.5f, Seed = 11, FrequencyPenalty = 0.5f },
            TestGateway.Cancellation);
        Assert.Equal(string.Concat(Texts), answer.Text);
        Assert.Equal(ChatFinishReasonOf("stop"), answer.FinishReason);
        Assert.Equal(Texts.Length + 1, answer.Usage?.OutputTokenCount);
        Assert.True(gateway.Generator.Started.TryRead(out ScriptedGeneration? generation));
        Assert.Equal(11ul, generation.Request.Sampling.Seed);
        Assert.Equal(0f, generation.Request.Sampling.Temperature);
        Assert.Equal(0.5f, generation.Request.Sampling.FrequencyPenalty);
    }

    [Fact]
    public async Task ExtensionsAI_ReadsAStream()
    {
        await using TestGateway gateway = await StartAsync();
        using IChatClient client = Client(gateway).GetChatClient(TestGateway.ModelName).AsIChatClient();
        List<ChatResponseUpdate> updates = [];
        await foreach (ChatResponseUpdate update in client.GetStreamingResponseAsync("Hi", cancellationToken: TestGateway.Cancellation))
        {
            updates.Add(update);
        }

        Assert.Equal(Texts, updates.Select(update => update.Text).Where(text => text.Length > 0));
        ChatResponse whole = updates.ToChatResponse();
        Assert.Equal(ChatFinishReasonOf("stop"), whole.FinishReason);
        Assert.Equal(Texts.Length + 1, whole.Usage?.OutputTokenCount);
    }

    [Fact]
    public async Task ExtensionsAI_FreesTheGeneration_WhenItStopsReading()
    {
        await using TestGateway gateway = await StartAsync(new ScriptedGenerator((_, c) => ScriptedGenerator.SayAndHang("a", c)));
        using IChatClient client = Client(gateway).GetChatClient(TestGateway.ModelName).AsIChatClient();
        StringBuilder text = new();
        await foreach (ChatResponseUpdate update in client.GetStreamingResponseAsync("Hi", cancellationToken: TestGateway.Cancellation))
        {
            if (text.Append(update.Text).Length > 0)
            {
                break;
            }
        }

        Assert.Equal("a", text.ToString());
        ScriptedGeneration generation = await gateway.Generator.Started.ReadAsync(TestGateway.Cancellation);
        await generation.Disposed.WaitAsync(TestGateway.Cancellation);
    }

    private static Microsoft.Extensions.AI.ChatFinishReason ChatFinishReasonOf(string value) => new(value);

    private static Task<TestGateway> StartAsync(ScriptedGenerator? generator = null) =>
        TestGateway.StartAsync(generator ?? ScriptedGenerator.Saying(Texts), new GatewayOptions { ApiKeys = [Key] });

    private static OpenAIClient Client(TestGateway gateway, string key = Key) =>
        new(new ApiKeyCredential(key), new OpenAIClientOptions { Endpoint = new Uri(gateway.Server.Url, "v1") });
}
