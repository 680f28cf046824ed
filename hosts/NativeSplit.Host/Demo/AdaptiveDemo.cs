using System.Diagnostics;
using System.Globalization;
using System.Net;
using NativeSplit.Cluster.Routes;
using NativeSplit.Engine.Generation;
using NativeSplit.Host.Composition;
using NativeSplit.Orchestrator;
using NativeSplit.Placement;
using NativeSplit.Placement.Deciding;
using NativeSplit.Placement.Problems;

namespace NativeSplit.Host.Demo;

/// <summary>A cluster that fares badly while streams run: a worker is slowed down, a link gets long, a worker is killed, another joins.</summary>
internal sealed class AdaptiveDemo : IAsyncDisposable
{
    private const int Streams = 2;
    private static readonly TimeSpan Settle = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(18);
    private static readonly TimeSpan LongLine = TimeSpan.FromMilliseconds(60);
    private static readonly NodeId Newcomer = new("worker-4");
    private static readonly NodeId[] Workers = [DemoPlan.FirstWorker, DemoPlan.SecondWorker, new("worker-3")];

    private readonly RunningGateway _gateway;
    private readonly DecisionScreen _decisions;
    private readonly string[] _workerArguments;
    private readonly Dictionary<NodeId, WorkerProcess> _workers = [];
    private readonly Dictionary<NodeId, LinkRelay> _relays = [];
    private readonly List<AdaptiveRow> _rows = [];
    private readonly long _start = Stopwatch.GetTimestamp();

    private AdaptiveDemo(RunningGateway gateway, DecisionScreen decisions, string[] workerArguments) =>
        (_gateway, _decisions, _workerArguments) = (gateway, decisions, workerArguments);

    /// <summary>How the demo's gateway plans.</summary>
    /// <param name="layerBytes">Bytes of a layer with its KV cache.</param>
    /// <param name="layers">Layers of the model.</param>
    /// <param name="endBytes">Bytes of embedding and head.</param>
    /// <param name="decisions">Takes the decisions.</param>
    public static AdaptSettings SettingsOf(long layerBytes, int layers, long endBytes, DecisionScreen decisions) => new()
    {
        Trusted = new HashSet<NodeId>([.. Workers, Newcomer]),
        Privacy = PrivacyPolicy.Relaxed,
        MemoryBytes = endBytes + (ShareOf(layers, 3) * layerBytes * 11 / 10),
        Requests = [new RequestClass { Name = "demo", PromptTokens = 64, OutputTokens = 128, RequestsPerKilosecond = 100, TtftSloMicroseconds = 400_000, TpotSloMicroseconds = 15_000 }],
        Weights = new PlacementWeights { Utilization = 0, Privacy = 0 },
        Policy = new PolicyOptions { Delta = 200_000, Dwell = TimeSpan.FromSeconds(3), NodeCoolDown = TimeSpan.FromSeconds(6) },
        SurveyInterval = TimeSpan.FromSeconds(2),
        Decisions = decisions,
    };

    /// <summary>Bytes that a worker of the demo may take: the gateway and two of them hold the model, one alone doesn't.</summary>
    public static long WorkerBytes(long layerBytes, int layers) => ShareOf(layers, 2) * layerBytes * 11 / 10;

    /// <summary>Runs the script.</summary>
    /// <param name="gateway">A gateway that plans by itself; lent.</param>
    /// <param name="decisions">Its decisions.</param>
    /// <param name="workerArguments">Arguments of the worker verb.</param>
    /// <param name="request">What the streams ask.</param>
    /// <param name="expected">What the unsplit model answers.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>Whether every answer was the expected one.</returns>
    public static async Task<bool> RunAsync(RunningGateway gateway, DecisionScreen decisions, string[] workerArguments, GenerationRequest request, string expected, CancellationToken cancellationToken)
    {
        await using var demo = new AdaptiveDemo(gateway, decisions, workerArguments);
        foreach (NodeId worker in Workers)
        {
            demo.StartWorker(worker);
        }

        await await Task.WhenAny([gateway.Ready, .. demo._workers.Values.Select(worker => worker.WatchAsync(cancellationToken))]);
        await UntilAsync(() => gateway.Driver!.Workers.Count == Workers.Length, Patience, cancellationToken);
        await using var streams = new StreamWatch(gateway.Generator, request, expected, Streams);
        Task script = demo.PlayAsync(streams, cancellationToken);
        await await Task.WhenAny(script, streams.AnyEnd);
        AdaptiveReport.Table(demo._rows, streams.Answers, streams.Different, Streams);
        return streams is { Different: 0, Answers: > 0 };
    }

    public async ValueTask DisposeAsync()
    {
        // The gateway first: workers end when it says goodbye.
        await _gateway.DisposeAsync();
        foreach (WorkerProcess worker in _workers.Values)
        {
            await worker.DisposeAsync();
        }

        foreach (LinkRelay relay in _relays.Values)
        {
            await relay.DisposeAsync();
        }
    }

    private async Task PlayAsync(StreamWatch streams, CancellationToken cancellationToken)
    {
        Say($"in force: {Draw()}");
        await Task.Delay(Settle, cancellationToken);
        streams.Take();
        await ActAsync("nothing happens", () => Task.CompletedTask, streams, Settle, cancellationToken);

        NodeId slow = UsedWorkers()[0];
        await using (var brake = new BrakeHolder())
        {
            await ActAsync($"{slow} is slowed down {ProcessBrake.Factor}x", () => brake.PullAsync(_workers[slow].Id), streams, Patience, cancellationToken);
        }

        NodeId far = UsedWorkers()[^1];
        await ActAsync($"the line of {far} gets {LongLine.TotalMilliseconds:0} ms long", () => SetDelay(far, LongLine), streams, Patience, cancellationToken);

        NodeId dead = UsedWorkers()[0];
        await ActAsync($"{dead} is killed", () => Kill(dead), streams, Patience, cancellationToken);
        await ActAsync($"{Newcomer} joins", () => Start(Newcomer), streams, Patience, cancellationToken);
    }

    private async Task ActAsync(string what, Func<Task> act, StreamWatch streams, TimeSpan patience, CancellationToken cancellationToken)
    {
        string before = Draw();
        int known = _decisions.Changes.Count;
        SwitchReport? last = _gateway.Driver!.LastSwitch;
        Say(what);
        long start = Stopwatch.GetTimestamp();
        await act();
        bool isChanged = await UntilAsync(() => _gateway.Driver.LastSwitch != last && _gateway.Driver.Path.IsInForce && _decisions.Changes.Count > known, patience, cancellationToken);
        TimeSpan took = Stopwatch.GetElapsedTime(start);
        if (isChanged)
        {
            // A moment more, so that the figures hold what the change costs the streams.
            await Task.Delay(Settle / 2, cancellationToken);
        }

        DecisionRecord? change = isChanged ? _decisions.Changes[^1] : null;
        StreamSpan span = streams.Take();
        var row = new AdaptiveRow(what, change is null ? "keep" : WordOf(change), change is null ? null : took, Draw(), isChanged ? _gateway.Driver.LastSwitch : null, span);
        _rows.Add(row);
        Say($"  {row.Decision}: {(row.Plan == before ? "the plan stays" : row.Plan)}");
    }

    private static async Task<bool> UntilAsync(Func<bool> condition, TimeSpan patience, CancellationToken cancellationToken)
    {
        long start = Stopwatch.GetTimestamp();
        while (!condition())
        {
            if (Stopwatch.GetElapsedTime(start) > patience)
            {
                return false;
            }

            await Task.Delay(20, cancellationToken);
        }

        return true;
    }

    private Task SetDelay(NodeId worker, TimeSpan delay)
    {
        _relays[worker].Delay = delay;
        return Task.CompletedTask;
    }

    private Task Kill(NodeId worker)
    {
        _workers[worker].Kill();
        return Task.CompletedTask;
    }

    private Task Start(NodeId worker)
    {
        StartWorker(worker);
        return Task.CompletedTask;
    }

    private void StartWorker(NodeId worker)
    {
        var relay = new LinkRelay(new IPEndPoint(IPAddress.Loopback, _gateway.Driver!.LocalEndPoint.Port));
        _relays[worker] = relay;
        _workers[worker] = WorkerProcess.Start(worker, relay.Port, _gateway.CreateToken(worker).ToText(), _workerArguments);
    }

    private NodeId[] UsedWorkers() => [.. _gateway.Driver!.Current!.Segments.Select(segment => segment.Node).Where(node => node != DemoPlan.Gateway).Distinct()];

    private string Draw() => _gateway.Driver!.Current is { } plan ? DecisionRecord.Draw(plan) : "no plan";

    private void Say(string text) => Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{Stopwatch.GetElapsedTime(_start).TotalSeconds,6:0.0} s  {text}"));

    private static string WordOf(DecisionRecord change) => change switch
    {
        { Cause: null } => "survive",
        { Kind: DecisionKind.Redistribute } => "redistribute",
        _ => "re-split",
    };

    // Layers that a node holds when so many share the model, with one to spare.
    private static int ShareOf(int layers, int nodes) => Math.Min(layers, (layers / nodes) + 1);

    private sealed class BrakeHolder : IAsyncDisposable
    {
        private ProcessBrake? _brake;

        public Task PullAsync(int process)
        {
            _brake = new ProcessBrake(process);
            return Task.CompletedTask;
        }

        public ValueTask DisposeAsync() => _brake?.DisposeAsync() ?? ValueTask.CompletedTask;
    }
}
