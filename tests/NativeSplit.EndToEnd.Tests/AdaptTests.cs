using System.Text.Json.Nodes;

namespace NativeSplit.EndToEnd.Tests;

/// <summary>A gateway that plans by itself, over real processes: it measures, places, and survives.</summary>
public sealed class AdaptTests
{
    // No node can hold all layers, and any two workers can hold what the gateway can't.
    private static readonly string[] Adaptive = ["--memory", "2.2 MB", "--privacy", "none", "--kv-tokens", "1024", "--dwell", "5"];

    [Fact]
    public async Task Serve_FindsAPlan_AndAnotherWithoutAWorkerThatIsKilled_WhileAStreamRuns()
    {
        await using ServingCluster cluster = await ServingCluster.StartAdaptiveAsync(["worker-1", "worker-2", "worker-3"], "2.6 MB", Adaptive);
        string expected = await LivePlanTests.TextAsync(cluster, null);
        string plan = (await cluster.Gateway.LinesWithAsync("Resplit: ", 1))[^1];
        string used = plan.Contains("worker-1", StringComparison.Ordinal) ? "worker-1" : "worker-2";

        string text = await LivePlanTests.TextAsync(cluster, () => cluster.Workers[used].KillAsync());

        Assert.Equal(expected, text);
        string after = (await cluster.Gateway.LinesWithAsync("Resplit: ", 2))[^1];
        Assert.DoesNotContain(used, after, StringComparison.Ordinal);

        // What it decided can be read by whoever has the data folder.
        Finished explained = await NativeSplitProcess.RunAsync("plan", "explain", "--data", cluster.GatewayData, "--json", "--last", "100");
        Assert.Equal(0, explained.Code);
        JsonNode[] records = [.. explained.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonNode.Parse(line)!)];
        Assert.Contains(records, record => record["kind"]!.GetValue<string>() == "Resplit" && after.Contains(record["plan"]!.GetValue<string>(), StringComparison.Ordinal));
        Assert.All(records, record => Assert.NotEmpty(record["nodes"]!.AsArray()));
        Finished told = await NativeSplitProcess.RunAsync("plan", "explain", "--data", cluster.GatewayData);
        Assert.Contains("RE-SPLIT", told.Output, StringComparison.Ordinal);
        Assert.Contains("us per step and layer", told.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Serve_KeepsPrivacyCriticalLayers_OnTrustedNodes()
    {
        await using ServingCluster cluster = await ServingCluster.StartAdaptiveAsync(
            ["worker-1", "worker-2"], "8 MB", ["--memory", "2.2 MB", "--privacy", "strict", "--trust", "worker-2", "--kv-tokens", "1024"]);

        // The trusted worker holds what the gateway can't; the other one would do as well, but may not.
        string plan = await cluster.Gateway.LineWithAsync("Resplit: ");
        Assert.Contains("worker-2", plan, StringComparison.Ordinal);
        Assert.DoesNotContain("worker-1", plan, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--adapt finds the plan by itself", "--adapt", "--plan", "PLAN")]
    [InlineData("--expect goes with --adapt", "--expect", "worker-1")]
    [InlineData("'fast' must be a number with a unit", "--adapt", "--tpot", "fast")]
    [InlineData("--trust 'W 1' must be", "--adapt", "--trust", "W 1")]
    [InlineData("The prompt tokens of 'requests' is 0", "--adapt", "--expect-prompt", "0")]
    public async Task Serve_RefusesOptions_ThatMakeNoSense(string complaint, params string[] arguments)
    {
        string file = Path.GetTempFileName();
        await File.WriteAllTextAsync(file, ServingCluster.Plan, TestContext.Current.CancellationToken);
        Finished end = await NativeSplitProcess.RunAsync(["serve", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", .. arguments.Select(argument => argument == "PLAN" ? file : argument)]);
        Assert.NotEqual(0, end.Code);
        Assert.Contains(complaint, end.Error, StringComparison.OrdinalIgnoreCase);
        File.Delete(file);
    }
}
