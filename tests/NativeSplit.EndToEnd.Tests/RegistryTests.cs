using System.Text.Json.Nodes;
using NativeSplit.Testing;

namespace NativeSplit.EndToEnd.Tests;

/// <summary>Workers without a model take the layers that they are granted from a registry.</summary>
public sealed class RegistryTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private string Registry => Path.Combine(_folder.Path, "registry");

    private string Data => Path.Combine(_folder.Path, "gateway");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Serve_AnswersAsTheReference_WhenItsWorkersHaveARegistryAlone()
    {
        await PushAsync();
        await using ServingCluster cluster = await ServingCluster.StartFromRegistryAsync(Registry, Data);
        using HttpResponseMessage response = await cluster.AskAsync();
        JsonNode answer = JsonNode.Parse(await response.Content.ReadAsStringAsync(Cancel))!;
        Assert.Equal(RoadsideAnswer.Answer, answer["choices"]![0]!["message"]!["content"]!.GetValue<string>());

        if (OperatingSystem.IsLinux())
        {
            string[] maps = await Task.WhenAll(cluster.Workers.Values.Select(worker => File.ReadAllTextAsync($"/proc/{worker.Id}/maps", Cancel)));
            Assert.All(maps, map => Assert.DoesNotContain(".gguf", map, StringComparison.Ordinal));
            Assert.Contains(".gguf", await File.ReadAllTextAsync($"/proc/{cluster.Gateway.Id}/maps", Cancel), StringComparison.Ordinal);
        }

        // Each was granted the three layers of its segment, and no more.
        string[] grants = Directory.GetFiles(Path.Combine(Registry, "grants"), "*.json", SearchOption.AllDirectories);
        Assert.Equal([3, 3], grants.Select(file => JsonNode.Parse(File.ReadAllText(file))!["keys"]!.AsObject().Count));
    }

    [Fact]
    public async Task Worker_IsRefused_WhenItWasNotGrantedItsLayers_UntilAnOperatorGrantsThem()
    {
        await PushAsync();
        string plan = _folder.Write("plan.json", """{"epoch": 1, "segments": [{"layers": [0, 4], "node": "gateway"}, {"layers": [4, 8], "node": "worker-1"}]}""");
        string[] serve = ["serve", "--model", NativeSplitProcess.Shipped, "--plan", plan, "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--threads", "1", "--data", Data];
        string workerData = Path.Combine(_folder.Path, "worker");
        await using (NativeSplitProcess gateway = NativeSplitProcess.Start(serve))
        {
            await using NativeSplitProcess worker = await JoinAsync(gateway, workerData);
            Finished end = await gateway.EndAsync();
            Assert.Equal(4, end.Code);
            Assert.Contains("was not granted layer-4", end.Error);
            Assert.Contains("nativesplit model grant", end.Error);
        }

        string key = (await RunAsync("model", "key", "--data", workerData)).Output.Trim();
        await RunAsync("model", "grant", "worker-1", "--key", key, "--layers", "4-8", "--registry", Registry, "--data", Data);
        await using NativeSplitProcess again = NativeSplitProcess.Start(serve);
        await using NativeSplitProcess granted = await JoinAsync(again, workerData);
        await again.LineWithAsync("Ready: ");
    }

    [Fact]
    public async Task Verify_NamesTheDamagedPart_AndPushMendsIt()
    {
        Finished pushed = await PushAsync();
        Assert.Contains("8 layers", pushed.Output);
        Assert.Equal(pushed.Output, (await RunAsync("model", "list", "--registry", Registry, "--data", Data)).Output);
        Finished good = await RunAsync("model", "verify", "--registry", Registry, "--data", Data);
        Assert.Equal(10, good.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Count(line => line.EndsWith("  ok", StringComparison.Ordinal)));

        string blob = Directory.GetFiles(Path.Combine(Registry, "blobs"), "*", SearchOption.AllDirectories).OrderBy(file => new FileInfo(file).Length).First();
        byte[] bytes = await File.ReadAllBytesAsync(blob, Cancel);
        bytes[^20] ^= 4;
        await File.WriteAllBytesAsync(blob, bytes, Cancel);
        Finished bad = await NativeSplitProcess.RunAsync("model", "verify", "--registry", Registry, "--data", Data);
        Assert.Equal(3, bad.Code);
        string fault = Assert.Single(bad.Output.Split('\n'), line => line.Contains("FAULT", StringComparison.Ordinal));
        Assert.Contains(Path.GetFileName(blob), fault);
        Assert.Contains("chunk 0", fault);

        Finished mended = await PushAsync();
        Assert.Equal(9, mended.Error.Split('\n').Count(line => line.Contains("there already", StringComparison.Ordinal)));
        await RunAsync("model", "verify", "--registry", Registry, "--data", Data);
    }

    [Fact]
    public async Task Serve_SaysWhatToDo_WhenTheModelIsNotInTheRegistry()
    {
        string plan = _folder.Write("plan.json", """{"epoch": 1, "segments": [{"layers": [0, 4], "node": "gateway"}, {"layers": [4, 8], "node": "worker-1"}]}""");
        Finished end = await NativeSplitProcess.RunAsync("serve", "--model", NativeSplitProcess.Shipped, "--plan", plan, "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--data", Data, "--registry", Registry);
        Assert.Equal(3, end.Code);
        Assert.Contains("nativesplit model push", end.Error);
    }

    private static async Task<Finished> RunAsync(params string[] arguments)
    {
        Finished finished = await NativeSplitProcess.RunAsync(arguments);
        Assert.True(finished.Code == 0, $"{string.Join(' ', arguments)} ended with {finished.Code}: {finished.Error}{finished.Output}");
        return finished;
    }

    private Task<Finished> PushAsync() => RunAsync("model", "push", NativeSplitProcess.Shipped, "--registry", Registry, "--data", Data);

    private async Task<NativeSplitProcess> JoinAsync(NativeSplitProcess gateway, string data)
    {
        string[] words = (await gateway.LineWithAsync("--token")).Trim().Split(' ');
        string address = "127.0.0.1:" + words[Array.IndexOf(words, "--gateway") + 1].Split(':')[1];
        await gateway.LineWithAsync("serves");
        return NativeSplitProcess.Start("worker", "--gateway", address, "--token", words[Array.IndexOf(words, "--token") + 1], "--registry", Registry, "--listen", "127.0.0.1:0", "--threads", "1", "--data", data);
    }
}
