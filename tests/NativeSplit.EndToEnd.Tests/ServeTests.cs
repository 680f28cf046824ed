using System.Net;
using System.Text.Json.Nodes;

namespace NativeSplit.EndToEnd.Tests;

/// <summary>A cluster of three processes under load and loss.</summary>
public sealed class ServeTests
{
    /// <summary>Ends a test whose cluster never mends.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    private static readonly JsonObject EndlessStream = new() { ["max_tokens"] = 440, ["ignore_eos"] = true };

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Serve_AnswersAsTheReference_ForManyClientsAtATime()
    {
        await using ServingCluster cluster = await ServingCluster.StartAsync();
        string[] answers = await Task.WhenAll(Enumerable.Range(0, 24).Select(async _ =>
        {
            using HttpResponseMessage response = await cluster.AskAsync();
            JsonNode answer = JsonNode.Parse(await response.Content.ReadAsStringAsync(Cancel))!;
            return answer["choices"]![0]!["message"]!["content"]!.GetValue<string>();
        }));
        Assert.All(answers, answer => Assert.Equal(RoadsideAnswer.Answer, answer));
    }

    [Theory]
    [InlineData("""{"epoch": 1, "segments": [{"layers": [0, 8], "node": "a"}]}""", "a")]
    [InlineData("""{"epoch": 1, "segments": [{"layers": [0, 3], "node": "a"}, {"layers": [3, 8], "node": "b"}]}""", "a", "b")]
    [InlineData("""{"epoch": 1, "segments": [{"layers": [0, 2], "node": "a"}, {"layers": [2, 4], "node": "gateway"}, {"layers": [4, 8], "node": "b"}]}""", "a", "b")]
    [InlineData("""{"epoch": 1, "segments": [{"layers": [0, 1], "node": "a"}, {"layers": [1, 6], "node": "b"}, {"layers": [6, 8], "node": "c"}]}""", "a", "b", "c")]
    public async Task Serve_AnswersAsTheReference_WhateverTheSplit(string plan, params string[] workers)
    {
        await using ServingCluster cluster = await ServingCluster.StartAsync(plan, workers);
        using HttpResponseMessage response = await cluster.AskAsync();
        JsonNode answer = JsonNode.Parse(await response.Content.ReadAsStringAsync(Cancel))!;
        Assert.Equal(RoadsideAnswer.Answer, answer["choices"]![0]!["message"]!["content"]!.GetValue<string>());
    }

    [Fact]
    public async Task Serve_TellsTheClient_WhenAWorkerIsKilled_AndAnswersAgainWhenItIsBack()
    {
        await using ServingCluster cluster = await ServingCluster.StartAsync("--recovery-wait", "0");
        using HttpResponseMessage stream = await cluster.AskForStreamAsync(EndlessStream);
        Assert.Equal(HttpStatusCode.OK, stream.StatusCode);
        using var lines = new StreamReader(await stream.Content.ReadAsStreamAsync(Cancel));
        Assert.StartsWith("data: ", await lines.ReadLineAsync(Cancel));

        await cluster.Workers["worker-2"].KillAsync();

        string rest = await lines.ReadToEndAsync(Cancel);
        Assert.Contains("\"error\"", rest);
        Assert.Contains("worker-2", rest);
        Assert.DoesNotContain("[DONE]", rest);

        using (HttpResponseMessage refused = await cluster.AskAsync())
        {
            Assert.Equal(HttpStatusCode.BadGateway, refused.StatusCode);
            Assert.Contains("worker-2", await refused.Content.ReadAsStringAsync(Cancel));
        }

        cluster.StartWorker("worker-2");
        Assert.Equal(RoadsideAnswer.Answer, await AnswerWhenBackAsync(cluster));
    }

    [Fact]
    public async Task Serve_FreesTheRoomOfAClientThatLeaves()
    {
        await using ServingCluster cluster = await ServingCluster.StartAsync("--kv-tokens", "512", "--admission-wait", "0");
        using (HttpResponseMessage stream = await cluster.AskForStreamAsync(EndlessStream))
        {
            Assert.Equal(HttpStatusCode.OK, stream.StatusCode);
            using HttpResponseMessage full = await cluster.AskAsync();
            Assert.Equal(HttpStatusCode.TooManyRequests, full.StatusCode);
        }

        Assert.Equal(RoadsideAnswer.Answer, await AnswerWhenBackAsync(cluster));
    }

    [Fact]
    public async Task Serve_EndsCleanly_WhenInterrupted_AndAUsedTokenIsRefused()
    {
        await using ServingCluster cluster = await ServingCluster.StartAsync();
        Finished again = await NativeSplitProcess.RunAsync("worker", "--gateway", $"127.0.0.1:{cluster.LinkPort}", "--token", cluster.TokenOf("worker-1"), "--model", NativeSplitProcess.Shipped);
        Assert.Equal(4, again.Code);
        Assert.Contains("refused the join token", again.Error);

        Finished gateway = await cluster.Gateway.InterruptAsync();
        Assert.True(gateway.Code == 130, $"The gateway ended with {gateway.Code}: {gateway.Error}");
        Assert.DoesNotContain("   at ", gateway.Error);

        // The workers wait for it to come back, until they are told to end.
        Finished worker = await cluster.Workers["worker-1"].InterruptAsync();
        Assert.True(worker.Code == 130, $"The worker ended with {worker.Code}: {worker.Error}");
        Assert.DoesNotContain("   at ", worker.Error);
    }

    /// <summary>Asks until there is an answer: the cluster mends itself in its own time.</summary>
    private static async Task<string> AnswerWhenBackAsync(ServingCluster cluster)
    {
        using var bound = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        bound.CancelAfter(Patience);
        while (true)
        {
            bound.Token.ThrowIfCancellationRequested();
            using HttpResponseMessage response = await cluster.AskAsync();
            if (response.StatusCode == HttpStatusCode.OK)
            {
                JsonNode answer = JsonNode.Parse(await response.Content.ReadAsStringAsync(Cancel))!;
                return answer["choices"]![0]!["message"]!["content"]!.GetValue<string>();
            }

            Assert.True(response.StatusCode is HttpStatusCode.BadGateway or HttpStatusCode.TooManyRequests, $"Status {response.StatusCode}");
        }
    }
}
