using System.Text.Json.Nodes;

namespace NativeSplit.EndToEnd.Tests;

public sealed class BenchTests
{
    private static readonly string[] Model = ["bench", "--model", NativeSplitProcess.Shipped];

    [Fact]
    public async Task Bench_MeasuresEveryTest_WithEveryNumberOfThreads()
    {
        Finished run = await NativeSplitProcess.RunAsync([.. Model, "--pp", "16,40", "--tg", "4", "--batch", "1,3", "--threads", "1,2", "--chunk", "16", "-r", "2", "--json"]);
        Assert.True(run.Code == 0, run.Error);
        JsonNode[] groups = [.. JsonNode.Parse(run.Output)!["groups"]!.AsArray().Select(group => group!)];
        Assert.Equal([1, 2], groups.Select(group => group["threads"]!.GetValue<int>()));
        Assert.All(groups, group =>
        {
            Assert.Equal(["pp16", "pp40", "tg4", "tg4 x3"], group["results"]!.AsArray().Select(result => result!["test"]!.GetValue<string>()));
            Assert.All(group["results"]!.AsArray(), result =>
            {
                Assert.Equal(2, result!["tokens_per_second_runs"]!.AsArray().Count);
                Assert.True(result["tokens_per_second"]!.GetValue<double>() > 0);
            });
            Assert.True(group["read_bytes_per_second"]!.GetValue<double>() > 0);
        });
    }

    [Fact]
    public async Task Bench_CountsTheWeightsOfAStep_AsInspectDoes()
    {
        JsonNode inspected = JsonNode.Parse((await NativeSplitProcess.RunAsync("inspect", NativeSplitProcess.Shipped, "--json")).Output)!;
        JsonNode bench = JsonNode.Parse((await NativeSplitProcess.RunAsync([.. Model, "--pp", "0", "--tg", "4", "-r", "1", "--json"])).Output)!;
        long layers = inspected["bytes_per_layer"]!.AsArray().Sum(bytes => bytes!.GetValue<long>());
        long step = bench["groups"]![0]!["results"]![0]!["weight_bytes_per_step"]!.GetValue<long>();
        Assert.InRange(step, layers + 1, inspected["bytes"]!.GetValue<long>());
    }

    [Fact]
    public async Task Bench_AllocatesNothingPerDecodedToken()
    {
        Finished run = await NativeSplitProcess.RunAsync([.. Model, "--pp", "0", "--tg", "64", "--depth", "20", "-r", "3", "--json"]);
        JsonNode result = JsonNode.Parse(run.Output)!["groups"]![0]!["results"]![0]!;
        Assert.Equal("tg64 @ d20", result["test"]!.GetValue<string>());
        Assert.Equal(0, result["allocated_bytes_per_token"]!.GetValue<double>());
    }

    [Fact]
    public async Task Bench_PrintsAMarkdownTable()
    {
        Finished run = await NativeSplitProcess.RunAsync([.. Model, "--pp", "8", "--tg", "0", "-r", "1", "--markdown"]);
        Assert.True(run.Code == 0, run.Error);
        string[] rows = [.. run.Output.Split('\n').Where(line => line.StartsWith('|'))];
        Assert.Equal(3, rows.Length);
        Assert.Contains("t/s", rows[0].Split('|').Select(cell => cell.Trim()));
        Assert.Contains(" pp8 |", rows[2]);
        Assert.Contains("read bandwidth", run.Output);
    }

    [Theory]
    [InlineData("--pp", "x", "--pp")]
    [InlineData("--threads", "0", "--threads")]
    [InlineData("--threads", ",", "--threads")]
    [InlineData("--batch", "257", "256")]
    [InlineData("--repetitions", "1,2", "--repetitions")]
    [InlineData("--pp", "513", "512")]
    [InlineData("--depth", "1048576", "512")]
    [InlineData("--tg", "0", "nothing")]
    public async Task Bench_RefusesAbsurdOptions(string option, string value, string words)
    {
        string[] prefill = option == "--pp" ? [] : ["--pp", "0"];
        Finished run = await NativeSplitProcess.RunAsync([.. Model, .. prefill, option, value]);
        Assert.Equal(2, run.Code);
        Assert.Contains("error:", run.Error);
        Assert.Contains(words, run.Error);
    }
}
