using System.Text.Json.Nodes;
using NativeSplit.Placement;
using NativeSplit.Testing;

namespace NativeSplit.EndToEnd.Tests;

/// <summary><c>nativesplit plan</c>, as a user runs it: the shipped examples, and cluster files that are wrong in one way each.</summary>
public sealed class PlanTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("nativesplit-").FullName;

    public static TheoryData<string> Examples => [.. Directory.EnumerateFiles(Folder, "*.yaml").Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal)];

    private static string Folder => Path.Combine(TestData.RepositoryRoot, "docs", "examples");

    private static string Home => Path.Combine(Folder, "home.yaml");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [MemberData(nameof(Examples))]
    public async Task Plan_PlacesTheExample_AndWritesAPlanFile(string example)
    {
        string plan = Path.Combine(_folder, "plan.json");
        Finished run = await NativeSplitProcess.RunAsync("plan", "--cluster", Path.Combine(Folder, example), "--model", NativeSplitProcess.Shipped, "--explain", "--out", plan);
        Assert.True(run.Code == 0, run.Error);
        Assert.Contains("gap 0.00 %", run.Output, StringComparison.Ordinal);
        Assert.Matches("proved by|not certified by Z3", run.Output);
        Plan read = PlanDocument.Parse(File.ReadAllText(plan));
        Assert.Equal(8, read.Segments[^1].Layers.End);
        Assert.All(read.Segments, s => Assert.Contains($"{s.Node} {s.Layers}", run.Output, StringComparison.Ordinal));
        Assert.DoesNotContain(read.Segments, s => example == "factory.yaml" && s.Node == new NodeId("cloud"));
    }

    [Fact]
    public async Task Serve_AcceptsThePlanFile()
    {
        string plan = Path.Combine(_folder, "plan.json");
        Assert.Equal(0, (await NativeSplitProcess.RunAsync("plan", "-c", Path.Combine(Folder, "factory.yaml"), "--model", NativeSplitProcess.Shipped, "-o", plan)).Code);
        await using NativeSplitProcess serve = NativeSplitProcess.Start(
            "serve", "--model", NativeSplitProcess.Shipped, "--plan", plan, "--name", "cell-gateway", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0");
        await serve.LineWithAsync("line-pc-1 joins with");
    }

    [Fact]
    public async Task Plan_PrintsJson()
    {
        Finished run = await NativeSplitProcess.RunAsync("plan", "-c", Home, "--model", NativeSplitProcess.Shipped, "--json");
        JsonNode document = JsonNode.Parse(run.Output)!;
        Assert.Equal((long)document["cost"]!["total"]!, (long)document["lower_bound"]!);
        Assert.Equal("desktop", (string)document["plan"]!["segments"]![0]!["node"]!);
    }

    [Theory]
    [InlineData("even")]
    [InlineData("memory-proportional")]
    [InlineData("edgeshard")]
    public async Task Plan_KnowsOtherMethods(string method)
    {
        Finished run = await NativeSplitProcess.RunAsync("plan", "-c", Path.Combine(Folder, "factory.yaml"), "--model", NativeSplitProcess.Shipped, "--method", method);
        Assert.True(run.Code is 0 or 5, run.Error);
        Assert.True(run.Code == 0 || run.Error.Contains($"the method {method}", StringComparison.Ordinal), run.Error);
    }

    [Fact]
    public async Task Plan_NamesBothAmounts_WhenNothingFits()
    {
        string file = Spoil("memory: 1.5 MB", "memory: 400 kB", "memory: 4 MB", "memory: 400 kB");
        Finished run = await NativeSplitProcess.RunAsync("plan", "-c", file, "--model", NativeSplitProcess.Shipped);
        Assert.Equal(5, run.Code);
        Assert.Contains("Privacy needs", run.Error, StringComparison.Ordinal);
        Assert.Contains("Explained by", run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("prefill: 4 us", "prefill: 4 apples", ":7:", "unit of ns, us, ms, s")]
    [InlineData("prefill: 4 us", "prefil: 4 us", ":7:", "unknown key 'prefil'")]
    [InlineData("prefill: 4 us,", "", ":7:", "'prefill' is missing")]
    [InlineData("to: desktop", "to: destop", ":10:", "'destop', which isn't among the nodes")]
    [InlineData("gateway: laptop", "gateway: notebook", ":2:", "isn't among the nodes")]
    [InlineData("privacy: relaxed", "privacy: some", ":3:", "must be one of relaxed, strict, none")]
    [InlineData("prompt: 128", "prompt: many", ":13:", "whole number")]
    [InlineData("name: cloud", "name: Cloud", ":8:", "a-z")]
    [InlineData("nodes:", "nodes: [", ":", "isn't YAML")]
    [InlineData("kv_tokens: 512", "kv_tokens: 999999999999", "", "KV reserve")]
    [InlineData("trusted: true,  memory: 1.5 MB", "trusted: false, memory: 1.5 MB", "", "isn't trusted")]
    public async Task Plan_SaysWhatWhereAndHow_WhenTheClusterFileIsWrong(string right, string wrong, string where, string what)
    {
        string file = Spoil(right, wrong);
        Finished run = await NativeSplitProcess.RunAsync("plan", "-c", file, "--model", NativeSplitProcess.Shipped);
        Assert.Equal(3, run.Code);
        Assert.Contains(where.Length == 0 ? string.Empty : $"bad.yaml{where}", run.Error, StringComparison.Ordinal);
        Assert.Contains(what, run.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Plan_RefusesBadOptions()
    {
        Assert.Equal(2, (await NativeSplitProcess.RunAsync("plan", "--model", NativeSplitProcess.Shipped)).Code);
        Assert.Equal(2, (await NativeSplitProcess.RunAsync("plan", "-c", Home, "--model", NativeSplitProcess.Shipped, "--method", "magic")).Code);
        Assert.Equal(2, (await NativeSplitProcess.RunAsync("plan", "-c", Home, "--model", NativeSplitProcess.Shipped, "--time", "0")).Code);
        Assert.Equal(3, (await NativeSplitProcess.RunAsync("plan", "-c", Path.Combine(_folder, "none.yaml"), "--model", NativeSplitProcess.Shipped)).Code);
    }

    private string Spoil(params string[] pairs)
    {
        string text = File.ReadAllText(Home);
        for (int i = 0; i < pairs.Length; i += 2)
        {
            Assert.Contains(pairs[i], text, StringComparison.Ordinal);
            text = text.Replace(pairs[i], pairs[i + 1], StringComparison.Ordinal);
        }

        string file = Path.Combine(_folder, "bad.yaml");
        File.WriteAllText(file, text);
        return file;
    }
}
