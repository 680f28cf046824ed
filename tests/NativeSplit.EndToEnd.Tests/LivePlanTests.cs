using System.Text;
using System.Text.Json.Nodes;

namespace NativeSplit.EndToEnd.Tests;

/// <summary>Streams over real processes outlive the loss of a worker and a change of the plan.</summary>
public sealed class LivePlanTests
{
    private const string WithoutSecond = """{"epoch": 1, "segments": [{"layers": [0, 5], "node": "gateway"}, {"layers": [5, 8], "node": "worker-1"}]}""";
    private const string Turned = """{"epoch": 1, "segments": [{"layers": [0, 3], "node": "worker-2"}, {"layers": [3, 8], "node": "worker-1"}]}""";

    private static readonly JsonObject LongStream = new() { ["max_tokens"] = 440, ["ignore_eos"] = true };

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AStream_GoesOn_WhenAWorkerIsKilled_AndStartedAgain()
    {
        await using ServingCluster cluster = await ServingCluster.StartAsync();
        string expected = await TextAsync(cluster, null);
        string text = await TextAsync(cluster, async () =>
        {
            await cluster.Workers["worker-2"].KillAsync();
            cluster.StartWorker("worker-2");
        });

        Assert.Equal(expected, text);
    }

    [Fact]
    public async Task AStream_GoesOnByTheSecondPlan_WhenAWorkerIsKilledForGood()
    {
        await using ServingCluster cluster = await ServingCluster.StartAsync([ServingCluster.Plan, WithoutSecond], ["worker-1", "worker-2"]);

        // Whichever worker came first: the preferred plan is in force once both are there and have settled.
        await cluster.Gateway.LineWithAsync("over 3 node(s)");
        string expected = await TextAsync(cluster, null);
        string text = await TextAsync(cluster, () => cluster.Workers["worker-2"].KillAsync());

        Assert.Equal(expected, text);
        await cluster.Gateway.LineWithAsync("over 2 node(s)");
        Assert.Equal(expected, await TextAsync(cluster, null));
    }

    [Fact]
    public async Task AStream_GoesOnByTheSecondPlan_WhenAWorkerIsStopped()
    {
        await using ServingCluster cluster = await ServingCluster.StartAsync([ServingCluster.Plan, WithoutSecond], ["worker-1", "worker-2"]);
        await cluster.Gateway.LineWithAsync("over 3 node(s)");
        string expected = await TextAsync(cluster, null);

        // No goodbye, no reset: the links stay open and nothing comes. Only the transport's own watch can tell.
        string text = await TextAsync(cluster, () => cluster.Workers["worker-2"].SignalAsync("STOP"));

        Assert.Equal(expected, text);

        // The gateway sends this worker messages only; its rows come from the other one. It must be missed as soon all the same.
        await cluster.Gateway.LineWithAsync("worker/worker-2 gave no sign of life for 1 s;");
        await cluster.Gateway.LineWithAsync("over 2 node(s)");
    }

    [Fact]
    public async Task AStream_GoesOn_WhenAnotherPlanIsReadOnSighup_AndABadOneChangesNothing()
    {
        await using ServingCluster cluster = await ServingCluster.StartAsync();
        string expected = await TextAsync(cluster, null);
        string text = await TextAsync(cluster, async () =>
        {
            await cluster.WritePlansAsync(Turned);
            await cluster.Gateway.SignalAsync("HUP");
        });

        Assert.Equal(expected, text);
        await cluster.Gateway.LineWithAsync("Plan 2 is in force");
        await cluster.WritePlansAsync("""{"epoch": 1, "segments": [{"layers": [0, 9], "node": "worker-1"}]}""");
        await cluster.Gateway.SignalAsync("HUP");
        await cluster.Gateway.LineWithAsync("The plans stay as they are");
        Assert.Equal(expected, await TextAsync(cluster, null));
    }

    /// <summary>Asks for a long answer and reads it all; something may happen after its first words.</summary>
    internal static async Task<string> TextAsync(ServingCluster cluster, Func<Task>? meanwhile, JsonObject? request = null)
    {
        using HttpResponseMessage stream = await cluster.AskForStreamAsync(request ?? LongStream);
        using var lines = new StreamReader(await stream.Content.ReadAsStreamAsync(Cancel));
        var text = new StringBuilder();
        string? line;
        while ((line = await lines.ReadLineAsync(Cancel)) != "data: [DONE]")
        {
            Assert.NotNull(line);
            if (line.StartsWith("data: ", StringComparison.Ordinal))
            {
                JsonNode chunk = JsonNode.Parse(line["data: ".Length..])!;
                Assert.True(chunk["error"] is null, line);
                text.Append(chunk["choices"]![0]!["delta"]?["content"]?.GetValue<string>());
            }

            if (meanwhile is not null && text.Length > 0)
            {
                await meanwhile();
                meanwhile = null;
            }
        }

        return text.ToString();
    }
}
