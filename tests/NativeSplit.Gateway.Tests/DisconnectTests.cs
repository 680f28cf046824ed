using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using NativeSplit.Engine.Generation;
using NativeSplit.Gateway.Tests.Fakes;
using NativeSplit.Model;

namespace NativeSplit.Gateway.Tests;

/// <summary>Clients that leave or don't read, and a server that stops: the KV of every generation is freed.</summary>
public sealed class DisconnectTests
{
    [Fact]
    public async Task Generation_IsDisposed_WhenTheClientLeavesInMidStream()
    {
        await using TestGateway gateway = await TestGateway.StartAsync(new ScriptedGenerator((_, c) => ScriptedGenerator.SayAndHang("a", c)));
        HttpResponseMessage response = await gateway.ChatAsync(",\"stream\":true");
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        ScriptedGeneration generation = await gateway.Generator.Started.ReadAsync(TestGateway.Cancellation);
        Assert.False(generation.Disposed.IsCompleted);
        response.Dispose();
        await generation.Disposed.WaitAsync(TestGateway.Cancellation);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Generation_IsDisposed_WhenTheClientLeavesBeforeTheAnswer(bool stream)
    {
        await using TestGateway gateway = await TestGateway.StartAsync(new ScriptedGenerator((_, c) => ScriptedGenerator.SayAndHang("", c)));
        using CancellationTokenSource leave = new();
        using StringContent content = new(
            $"{{\"model\":\"toy\",\"prompt\":\"Hi\",\"stream\":{(stream ? "true" : "false")}}}", Encoding.UTF8, "application/json");
        Task<HttpResponseMessage> asked = gateway.Client.PostAsync("/v1/completions", content, leave.Token);
        ScriptedGeneration generation = await gateway.Generator.Started.ReadAsync(TestGateway.Cancellation);
        await leave.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asked);
        await generation.Disposed.WaitAsync(TestGateway.Cancellation);
    }

    [Fact]
    public async Task Admission_IsGivenUp_WhenTheClientLeaves()
    {
        TaskCompletionSource waiting = new(TaskCreationOptions.RunContinuationsAsynchronously);
        TaskCompletionSource givenUp = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using TestGateway gateway = await TestGateway.StartAsync(new ScriptedGenerator((_, _) => ScriptedGenerator.Say("x"))
        {
            Admission = async cancellation =>
            {
                using CancellationTokenRegistration registration = cancellation.Register(givenUp.SetResult);
                waiting.SetResult();
                await Task.Delay(Timeout.Infinite, cancellation);
            },
        });
        using CancellationTokenSource leave = new();
        using StringContent content = new("""{"model":"toy","prompt":"Hi"}""", Encoding.UTF8, "application/json");
        Task<HttpResponseMessage> asked = gateway.Client.PostAsync("/v1/completions", content, leave.Token);
        await waiting.Task.WaitAsync(TestGateway.Cancellation);
        await leave.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asked);
        await givenUp.Task.WaitAsync(TestGateway.Cancellation);
        Assert.False(gateway.Generator.Started.TryRead(out _));
    }

    [Fact]
    public async Task SlowClient_HoldsUpItsOwnStreamOnly()
    {
        await using TestGateway gateway = await TestGateway.StartAsync(new ScriptedGenerator((request, c) =>
            request.MaxTokens == 1 ? ScriptedGenerator.Say("quick") : Flood(c)));
        using TcpClient slow = new() { ReceiveBufferSize = 4096 };
        await slow.ConnectAsync(IPAddress.Loopback, gateway.Server.Url.Port, TestGateway.Cancellation);
        const string Body = """{"model":"toy","prompt":"Hi","stream":true,"max_tokens":4000}""";
        await slow.GetStream().WriteAsync(
            Encoding.ASCII.GetBytes(
                $"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {Body.Length}\r\n\r\n{Body}"),
            TestGateway.Cancellation);
        ScriptedGeneration flood = await gateway.Generator.Started.ReadAsync(TestGateway.Cancellation);

        // The flood stands still once all buffers between are full: back-pressure reaches the generation.
        int before;
        do
        {
            before = flood.TokensSaid;
            for (int i = 0; i < 20; i++)
            {
                using HttpResponseMessage quick = await gateway.CompleteAsync(",\"max_tokens\":1");
                JsonNode answer = await TestGateway.JsonAsync(quick);
                Assert.Equal("quick", (string)answer["choices"]![0]!["text"]!);
            }
        }
        while (flood.TokensSaid != before);

        Assert.False(flood.Disposed.IsCompleted);
        slow.Client.Close(0);
        await flood.Disposed.WaitAsync(TestGateway.Cancellation);

        static async IAsyncEnumerable<GenerationChunk> Flood([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken c)
        {
            string text = new('x', 10_000);
            while (true)
            {
                await Task.Yield();
                c.ThrowIfCancellationRequested();
                yield return new GenerationChunk(new TokenId(0), text, null);
            }
        }
    }

    [Fact]
    public async Task Stop_EndsRunningRequests_WithAnError()
    {
        await using TestGateway gateway = await TestGateway.StartAsync(
            new ScriptedGenerator((_, c) => ScriptedGenerator.SayAndHang("a", c)), new GatewayOptions { ShutdownTimeout = TimeSpan.FromMinutes(5) });
        HttpResponseMessage stream = await gateway.ChatAsync(",\"stream\":true");
        Task<HttpResponseMessage> whole = gateway.ChatAsync();
        ScriptedGeneration first = await gateway.Generator.Started.ReadAsync(TestGateway.Cancellation);
        ScriptedGeneration second = await gateway.Generator.Started.ReadAsync(TestGateway.Cancellation);

        // With a time-out of minutes, the stop ends only because the requests do.
        await gateway.Server.StopAsync(TestGateway.Cancellation);
        List<string> events = await TestGateway.EventsAsync(stream);
        Assert.Equal("server_stopping", TestGateway.ErrorOf(JsonNode.Parse(events[^1])!).Code);
        Assert.DoesNotContain("[DONE]", events);
        Assert.Equal("server_stopping", (await TestGateway.ErrorAsync(await whole, HttpStatusCode.ServiceUnavailable)).Code);
        await first.Disposed.WaitAsync(TestGateway.Cancellation);
        await second.Disposed.WaitAsync(TestGateway.Cancellation);
        await gateway.Server.StopAsync(TestGateway.Cancellation);
    }

    [Fact]
    public async Task Stop_CutsAClientThatDoesNotRead()
    {
        await using TestGateway gateway = await TestGateway.StartAsync(
            new ScriptedGenerator((_, c) => ScriptedGenerator.SayAndHang(new string('x', 20_000_000), c)),
            new GatewayOptions { ShutdownTimeout = TimeSpan.FromMilliseconds(100) });
        using HttpResponseMessage response = await gateway.ChatAsync(",\"stream\":true");
        ScriptedGeneration generation = await gateway.Generator.Started.ReadAsync(TestGateway.Cancellation);
        await gateway.Server.StopAsync(TestGateway.Cancellation);
        await generation.Disposed.WaitAsync(TestGateway.Cancellation);
    }
}
