using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json.Nodes;
using NativeSplit.Host.Demo;

namespace NativeSplit.EndToEnd.Tests;

/// <summary>A gateway and its workers as an operator starts them: <c>serve</c> with a plan, and the join commands it prints.</summary>
internal sealed class ServingCluster : IAsyncDisposable
{
    public const string Plan = """{"epoch": 1, "segments": [{"layers": [0, 1], "node": "gateway"}, {"layers": [1, 4], "node": "worker-1"}, {"layers": [4, 7], "node": "worker-2"}, {"layers": [7, 8], "node": "gateway"}]}""";

    private readonly string _folder = Directory.CreateTempSubdirectory("nativesplit-").FullName;
    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromMinutes(5) };
    private readonly Dictionary<string, string> _tokens = [];
    private readonly string[] _workerModel;
    private string[] _workerArguments = [];
    private bool _isRelayed;

    private ServingCluster(string[]? workerModel = null) => _workerModel = workerModel ?? ["--model", NativeSplitProcess.Shipped];

    public NativeSplitProcess Gateway { get; private set; } = null!;

    public Dictionary<string, NativeSplitProcess> Workers { get; } = [];

    public Uri Url { get; private set; } = null!;

    public int LinkPort { get; private set; }

    public string TokenOf(string worker) => _tokens[worker];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>Starts the usual split: trusted ends at the gateway, the middle over two workers.</summary>
    public static Task<ServingCluster> StartAsync(params string[] serveArguments) => StartAsync(Plan, ["worker-1", "worker-2"], serveArguments);

    /// <summary>Starts a gateway with a plan, and the workers in it.</summary>
    public static Task<ServingCluster> StartAsync(string planText, string[] workers, params string[] serveArguments) => StartAsync([planText], workers, serveArguments);

    /// <summary>Starts a gateway with plans, best first, and the workers in them.</summary>
    public static async Task<ServingCluster> StartAsync(string[] planTexts, string[] workers, params string[] serveArguments)
    {
        var cluster = new ServingCluster();
        await cluster.WritePlansAsync(planTexts);
        string[] plans = [.. planTexts.SelectMany((_, index) => (string[])["--plan", cluster.PlanFile(index)])];
        return await cluster.LaunchAsync(workers, [], [.. plans, .. serveArguments]);
    }

    /// <summary>Starts a gateway that plans by itself, and workers that give so much memory each.</summary>
    public static Task<ServingCluster> StartAdaptiveAsync(string[] workers, string memory, params string[] serveArguments)
    {
        var cluster = new ServingCluster();
        string[] expected = [.. workers.SelectMany(worker => (string[])["--expect", worker])];
        return cluster.LaunchAsync(workers, ["--memory", memory], ["--adapt", "--data", cluster.GatewayData, .. expected, .. serveArguments]);
    }

    /// <summary>Starts a gateway with plans, best first, and workers that reach it over lines of their own.</summary>
    public static async Task<ServingCluster> StartRelayedAsync(string[] planTexts, string[] workers, params string[] serveArguments)
    {
        var cluster = new ServingCluster { _isRelayed = true };
        await cluster.WritePlansAsync(planTexts);
        string[] plans = [.. planTexts.SelectMany((_, index) => (string[])["--plan", cluster.PlanFile(index)])];
        return await cluster.LaunchAsync(workers, [], [.. plans, .. serveArguments]);
    }

    /// <summary>The lines between workers and the gateway, by worker, when they were asked for.</summary>
    public Dictionary<string, LinkRelay> Relays { get; } = [];

    /// <summary>Starts the usual split with workers that have no model, only a registry.</summary>
    public static async Task<ServingCluster> StartFromRegistryAsync(string registry, string data)
    {
        var cluster = new ServingCluster(["--registry", registry]);
        await cluster.WritePlansAsync(Plan);
        return await cluster.LaunchAsync(["worker-1", "worker-2"], [], ["--plan", cluster.PlanFile(0), "--registry", registry, "--data", data]);
    }

    /// <summary>The gateway's data folder, when it has one.</summary>
    public string GatewayData => Path.Combine(_folder, "gateway");

    private async Task<ServingCluster> LaunchAsync(string[] workers, string[] workerArguments, string[] serveArguments)
    {
        try
        {
            _workerArguments = workerArguments;
            Gateway = NativeSplitProcess.Start(["serve", "--model", NativeSplitProcess.Shipped, "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--threads", "1", .. serveArguments]);
            foreach (string line in await Gateway.LinesWithAsync("--token", workers.Length))
            {
                string[] words = line.Trim().Split(' ');
                LinkPort = int.Parse(words[Array.IndexOf(words, "--gateway") + 1].Split(':')[1], System.Globalization.CultureInfo.InvariantCulture);
                _tokens[workers[_tokens.Count]] = words[Array.IndexOf(words, "--token") + 1];
            }

            await Gateway.LineWithAsync("serves");
            foreach (string worker in workers)
            {
                StartWorker(worker);
            }

            string ready = await Gateway.LineWithAsync("Ready: ");
            Url = new Uri(ready["Ready: ".Length..].Trim().Replace("chat/completions", string.Empty, StringComparison.Ordinal));
            return this;
        }
        catch
        {
            await DisposeAsync();
            throw;
        }
    }

    /// <summary>Writes the plan files anew; the gateway reads them when it is told to.</summary>
    public async Task WritePlansAsync(params string[] planTexts)
    {
        for (int i = 0; i < planTexts.Length; i++)
        {
            await File.WriteAllTextAsync(PlanFile(i), planTexts[i], Cancel);
        }
    }

    /// <summary>Starts a worker; a second start under the same name uses the identity kept by the first.</summary>
    public void StartWorker(string name)
    {
        int port = LinkPort;
        if (_isRelayed)
        {
            if (!Relays.TryGetValue(name, out LinkRelay? relay))
            {
                Relays[name] = relay = new LinkRelay(new IPEndPoint(IPAddress.Loopback, LinkPort));
            }

            port = relay.Port;
        }

        var environment = new Dictionary<string, string> { ["NATIVESPLIT_JOIN_TOKEN"] = _tokens[name] };
        Workers[name] = NativeSplitProcess.Start(environment, ["worker", "--gateway", $"127.0.0.1:{port}", .. _workerModel, "--listen", "127.0.0.1:0", "--threads", "1", "--data", Path.Combine(_folder, name), .. _workerArguments]);
    }

    /// <summary>Asks for a chat completion, whole.</summary>
    public async Task<HttpResponseMessage> AskAsync(JsonObject? more = null) =>
        await _http.PostAsJsonAsync(new Uri(Url, "chat/completions"), Body(more), Cancel);

    /// <summary>Asks for a stream; the caller reads it.</summary>
    public async Task<HttpResponseMessage> AskForStreamAsync(JsonObject? more = null)
    {
        JsonObject body = Body(more);
        body["stream"] = true;
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(Url, "chat/completions")) { Content = new StringContent(body.ToJsonString(), Encoding.UTF8, "application/json") };
        return await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancel);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (NativeSplitProcess worker in Workers.Values)
        {
            await worker.DisposeAsync();
        }

        if (Gateway is not null)
        {
            await Gateway.DisposeAsync();
        }

        foreach (LinkRelay relay in Relays.Values)
        {
            await relay.DisposeAsync();
        }

        _http.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private string PlanFile(int index) => Path.Combine(_folder, $"plan-{index}.json");

    private static JsonObject Body(JsonObject? more)
    {
        var body = new JsonObject
        {
            ["model"] = "roadside-1.6m",
            ["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = RoadsideAnswer.Report }),
            ["temperature"] = 0,
        };
        foreach ((string name, JsonNode? value) in more ?? [])
        {
            body[name] = value?.DeepClone();
        }

        return body;
    }
}
