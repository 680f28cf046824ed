using System.Net;
using System.Net.Sockets;

namespace NativeSplit.EndToEnd.Tests;

/// <summary>Whatever is wrong, the program says what, where and how to mend it, with the exit code of its kind, and no stack trace.</summary>
public sealed class BadInputTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("nativesplit-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Run_RefusesAFileThatIsNoModel()
    {
        string file = Write("x.gguf", "<html>not found</html>"u8.ToArray());
        Expect(await NativeSplitProcess.RunAsync("run", "--model", file, "hello"), 3, "x.gguf");
    }

    [Fact]
    public async Task Run_RefusesATruncatedModel()
    {
        byte[] whole = File.ReadAllBytes(NativeSplitProcess.Shipped);
        string file = Write("short.gguf", whole[..(whole.Length / 2)]);
        Expect(await NativeSplitProcess.RunAsync("run", "--model", file, "hello"), 3, "short.gguf");
    }

    [Fact]
    public async Task Run_NamesThePath_WhenTheModelIsMissing() =>
        Expect(await NativeSplitProcess.RunAsync("run", "--model", Path.Combine(_folder, "none.gguf"), "hello"), 3, "none.gguf");

    [Fact]
    public async Task Run_RefusesAPromptLongerThanTheContext() =>
        Expect(await NativeSplitProcess.RunAsync("run", "--model", NativeSplitProcess.Shipped, string.Concat(Enumerable.Repeat("A truck. ", 400))), 5, "512");

    [Fact]
    public async Task Run_RefusesAnEmptyPromptFile_AndAbsurdOptions()
    {
        Expect(await NativeSplitProcess.RunAsync("run", "--model", NativeSplitProcess.Shipped, "-t", "-1", "x"), 2, "emperature");
        Expect(await NativeSplitProcess.RunAsync("run", "--model", NativeSplitProcess.Shipped, "--threads", "0", "x"), 2, "--threads");
        Expect(await NativeSplitProcess.RunAsync("run", "--model", NativeSplitProcess.Shipped, "--context", "100000", "x"), 2, "512");
        Expect(await NativeSplitProcess.RunAsync("run", "--model", NativeSplitProcess.Shipped, "--kernels", "mmx", "x"), 2, "avx2");
        Assert.Equal(2, (await NativeSplitProcess.RunAsync("run", "--no-such-option")).Code);
        Assert.Equal(2, (await NativeSplitProcess.RunAsync("no-such-verb")).Code);
    }

    [Fact]
    public async Task Logits_RefuseBadTokensAndCuts()
    {
        string file = Path.Combine(_folder, "o.f32");
        Expect(await NativeSplitProcess.RunAsync("logits", "--model", NativeSplitProcess.Shipped, "--tokens", "1,9999", "--out", file), 2, "9999");
        Expect(await NativeSplitProcess.RunAsync("logits", "--model", NativeSplitProcess.Shipped, "--tokens", "1,x", "--out", file), 2, "'x'");
        Expect(await NativeSplitProcess.RunAsync("logits", "--model", NativeSplitProcess.Shipped, "--tokens", "1", "--cut", "8", "--out", file), 2, "--cut");
    }

    [Fact]
    public async Task Serve_RefusesABadPlan()
    {
        string gap = Write("gap.json", """{"epoch": 1, "segments": [{"layers": [0, 3], "node": "gateway"}, {"layers": [4, 8], "node": "w"}]}"""u8.ToArray());
        Expect(await NativeSplitProcess.RunAsync("serve", "--model", NativeSplitProcess.Shipped, "--plan", gap, "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"), 3, "[3, 4)");
        string rubbish = Write("rubbish.json", "{"u8.ToArray());
        Expect(await NativeSplitProcess.RunAsync("serve", "--model", NativeSplitProcess.Shipped, "--plan", rubbish), 3, "rubbish.json");
        string none = Path.Combine(_folder, "none.json");
        Expect(await NativeSplitProcess.RunAsync("serve", "--model", NativeSplitProcess.Shipped, "--plan", none), 3, "none.json");
    }

    [Fact]
    public async Task Serve_RefusesMoreKvCacheThanOneLayerCanHold() =>
        Expect(await NativeSplitProcess.RunAsync("serve", "--model", NativeSplitProcess.Shipped, "--kv-tokens", "2147483647", "--http", "127.0.0.1:0"), 2, "--kv-tokens");

    [Fact]
    public async Task Serve_Serves_WhenMoreSequencesRunThanABatchHadRows()
    {
        await using NativeSplitProcess serve = NativeSplitProcess.Start("serve", "--model", NativeSplitProcess.Shipped, "--max-sequences", "300", "--http", "127.0.0.1:0");
        Assert.Contains("http", await serve.LineWithAsync("Ready: "));
    }

    [Fact]
    public async Task Serve_SaysWhichPort_WhenItIsInUse()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        int port = ((IPEndPoint)taken.LocalEndpoint).Port;
        string plan = Write("plan.json", """{"epoch": 1, "segments": [{"layers": [0, 4], "node": "gateway"}, {"layers": [4, 8], "node": "w"}]}"""u8.ToArray());

        Expect(await NativeSplitProcess.RunAsync("serve", "--model", NativeSplitProcess.Shipped, "--http", $"127.0.0.1:{port}"), 4, $"{port}");
        Expect(await NativeSplitProcess.RunAsync("serve", "--model", NativeSplitProcess.Shipped, "--plan", plan, "--listen", $"127.0.0.1:{port}", "--http", "127.0.0.1:0"), 4, $"{port}");
    }

    [Fact]
    public async Task Worker_SaysWhatIsWrong_WithItsTokenOrItsGateway()
    {
        using var free = new TcpListener(IPAddress.Loopback, 0);
        free.Start();
        int port = ((IPEndPoint)free.LocalEndpoint).Port;
        free.Stop();
        string token = $"nsj1.{new string('A', 43)}.{new string('A', 43)}";

        Expect(await NativeSplitProcess.RunAsync("worker", "--gateway", $"127.0.0.1:{port}", "--model", NativeSplitProcess.Shipped), 2, "--token");
        Expect(await NativeSplitProcess.RunAsync("worker", "--gateway", $"127.0.0.1:{port}", "--token", "rubbish", "--model", NativeSplitProcess.Shipped), 4, "nsj1");
        Expect(await NativeSplitProcess.RunAsync("worker", "--gateway", $"127.0.0.1:{port}", "--token", token, "--model", NativeSplitProcess.Shipped), 4, $"{port}");
        Expect(await NativeSplitProcess.RunAsync("worker", "--gateway", "nowhere", "--token", token, "--model", NativeSplitProcess.Shipped), 2, "HOST:PORT");
        Expect(await NativeSplitProcess.RunAsync("worker", "--gateway", $"127.0.0.1:{port}", "--token", token, "--kv-tokens", "-3"), 2, "--kv-tokens");
        Expect(await NativeSplitProcess.RunAsync("worker", "--gateway", $"127.0.0.1:{port}", "--token", token, "--advertise", "a:7500"), 2, "--advertise");
    }

    private static void Expect(Finished finished, int code, string words)
    {
        Assert.True(finished.Code == code, $"Exit code {finished.Code}, expected {code}. {finished.Error}");
        Assert.Contains(words, finished.Error);
        Assert.Contains("error:", finished.Error);
        Assert.DoesNotContain("   at ", finished.Error);
    }

    private string Write(string name, byte[] content)
    {
        string path = Path.Combine(_folder, name);
        File.WriteAllBytes(path, content);
        return path;
    }
}
