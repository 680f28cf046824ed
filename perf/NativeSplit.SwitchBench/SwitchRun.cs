using System.Diagnostics;
using System.Globalization;
using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using NativeSplit.Cluster.Routes;
using NativeSplit.Engine.Generation;
using NativeSplit.Engine.Sampling;
using NativeSplit.Gateway;
using NativeSplit.Host.Composition;
using NativeSplit.Host.Demo;
using NativeSplit.Kernels;
using NativeSplit.Model;
using NativeSplit.Placement;

namespace NativeSplit.SwitchBench;

/// <summary>How a change of plan treats running answers.</summary>
internal enum SwitchPolicy
{
    /// <summary>Their KV pages move along.</summary>
    Migrate,

    /// <summary>Their tokens are run again on the new route, as where servers forget sessions.</summary>
    Rebuild,

    /// <summary>The change waits for their end, and new ones wait for the change.</summary>
    Drain,
}

/// <summary>One run: for each policy a fresh cluster, streams without end, and changes of plan now and then.</summary>
internal sealed class SwitchRun
{
    private static readonly NodeId First = new("worker-1");
    private static readonly NodeId Second = new("worker-2");
    /// <summary>Until the runtime has compiled what is hot: before that steps are slow, and a change looks cheap beside them.</summary>
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(8);

    private static readonly TimeSpan Between = TimeSpan.FromMilliseconds(700);

    public required string? Model { get; init; }

    public required int Changes { get; init; }

    public required int Streams { get; init; }

    public required int PromptTokens { get; init; }

    public required int AnswerTokens { get; init; }

    public async Task RunAsync(TextWriter output, CancellationToken cancellationToken)
    {
        output.WriteLine($"{Changes} changes per policy, {Streams} streams, prompts of {PromptTokens}, answers of {AnswerTokens} tokens, one thread per process.");
        output.WriteLine("| policy | undisturbed gap p50 ms | longest gap at a change p50 / p99 ms | in undisturbed gaps p50 | no step ran for p50 / p99 ms | gateway's KV bytes per change | answers lost |");
        output.WriteLine("|---|---|---|---|---|---|---|");
        foreach (SwitchPolicy policy in Enum.GetValues<SwitchPolicy>())
        {
            output.WriteLine(await MeasureAsync(policy, cancellationToken));
        }
    }

    private async Task<string> MeasureAsync(SwitchPolicy policy, CancellationToken cancellationToken)
    {
        string path = DefaultModel.Resolve(Model);
        var machine = new Compute(KernelCatalog.Default, Threads: 1);
        using LoadedModel loaded = LoadedModel.Open(path, machine);
        Plan[] plans = PlansOf(loaded.Shape.LayerCount);
        var settings = new GatewaySettings
        {
            Model = loaded,
            Plans = [plans[0]],
            Self = DemoPlan.Gateway,
            LinkAddress = new IPEndPoint(IPAddress.Loopback, 0),
            Http = new GatewayOptions { ListenAddress = IPAddress.Loopback, Port = 0 },
            Route = new RouteOptions { KvTokens = Streams * (PromptTokens + AnswerTokens + 64), MaxSequences = Streams, MovesKv = policy == SwitchPolicy.Migrate },
            AdmissionWait = TimeSpan.FromMinutes(1),
            RecoveryWait = TimeSpan.FromMinutes(1),
            Loggers = NullLoggerFactory.Instance,
        };
        RunningGateway gateway = await RunningGateway.StartAsync(settings, cancellationToken);
        string[] arguments = ["--model", path, "--threads", "1"];
        int port = gateway.Driver!.LocalEndPoint.Port;
        await using WorkerProcess first = WorkerProcess.Start(First, port, gateway.CreateToken(First).ToText(), arguments);
        await using WorkerProcess second = WorkerProcess.Start(Second, port, gateway.CreateToken(Second).ToText(), arguments);
        try
        {
            await gateway.Ready.WaitAsync(cancellationToken);
            await using var clients = new Clients(gateway.Generator, RequestOf(loaded), Streams);
            await Task.Delay(WarmUp, cancellationToken);
            return await ChangeAsync(policy, gateway.Driver, plans, clients, cancellationToken);
        }
        finally
        {
            // The gateway first: workers end when it says goodbye.
            await gateway.DisposeAsync();
        }
    }

    private async Task<string> ChangeAsync(SwitchPolicy policy, PlanDriver driver, Plan[] plans, Clients clients, CancellationToken cancellationToken)
    {
        clients.Take();
        await Task.Delay(Between, cancellationToken);
        double usual = Quantile(clients.Take(), 0.5);
        List<double> gaps = [];
        List<double> pauses = [];
        List<double> bytes = [];
        for (int change = 1; change <= Changes; change++)
        {
            clients.Take();
            if (policy == SwitchPolicy.Drain)
            {
                await clients.HoldAsync();
            }

            await driver.Propose([plans[change % plans.Length]]).WaitAsync(cancellationToken);
            clients.Release();
            SwitchReport report = driver.LastSwitch!;
            pauses.Add(report.Pause.TotalMilliseconds);
            bytes.Add(report.KvBytes);
            await Task.Delay(Between, cancellationToken);
            gaps.Add(clients.Take().Max());
        }

        return string.Create(
            CultureInfo.InvariantCulture,
            $"| {policy.ToString().ToLowerInvariant()} | {usual:0.00} | {Quantile(gaps, 0.5):0.0} / {Quantile(gaps, 0.99):0.0} | {Quantile(gaps, 0.5) / usual:0} | {Quantile(pauses, 0.5):0.0} / {Quantile(pauses, 0.99):0.0} | {Quantile(bytes, 0.5):0} | {clients.Lost} |");
    }

    private GenerationRequest RequestOf(LoadedModel loaded) => new()
    {
        Prompt = [.. Enumerable.Range(0, PromptTokens).Select(i => new TokenId(1 + (i * 37 % (loaded.Shape.VocabularySize - 2))))],
        MaxTokens = AnswerTokens,
        IgnoreEndOfGeneration = true,
        Sampling = SamplingOptions.Greedy,
    };

    // Borders move back and forth: the gateway keeps a first and a last layer, the workers hand half of theirs over.
    private static Plan[] PlansOf(int layers)
    {
        int end = Math.Max(1, layers / 8);
        return [Cut(layers, end, layers / 3), Cut(layers, end, layers - (layers / 3))];
    }

    private static Plan Cut(int layers, int end, int middle) => new(
        new PlanEpoch(1),
        [
            new PlanSegment(new LayerRange(0, end), DemoPlan.Gateway),
            new PlanSegment(new LayerRange(end, middle), First),
            new PlanSegment(new LayerRange(middle, layers - end), Second),
            new PlanSegment(new LayerRange(layers - end, layers), DemoPlan.Gateway),
        ]);

    private static double Quantile(IReadOnlyCollection<double> values, double share)
    {
        double[] sorted = [.. values.Order()];
        return sorted.Length == 0 ? double.NaN : sorted[(int)Math.Min(sorted.Length - 1, Math.Floor(share * sorted.Length))];
    }

    /// <summary>Streams without end, and the times between their tokens in ms.</summary>
    private sealed class Clients : IAsyncDisposable
    {
        private readonly CancellationTokenSource _stop = new();
        private readonly Lock _gate = new();
        private readonly long[] _last;
        private readonly Task[] _tasks;
        private List<double> _gaps = [];
        private TaskCompletionSource _held = Open();
        private int _running;

        public Clients(TextGenerator generator, GenerationRequest request, int streams)
        {
            _last = new long[streams];
            Array.Fill(_last, Stopwatch.GetTimestamp());
            _tasks = [.. Enumerable.Range(0, streams).Select(stream => Task.Run(() => RunAsync(generator, request, stream)))];
        }

        public int Lost { get; private set; }

        /// <summary>Gaps since the last call.</summary>
        public List<double> Take()
        {
            lock (_gate)
            {
                List<double> gaps = _gaps;
                _gaps = [];
                return gaps;
            }
        }

        /// <summary>Lets no new answer begin, and ends when none runs.</summary>
        public async Task HoldAsync()
        {
            _held = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            while (Volatile.Read(ref _running) > 0)
            {
                await Task.Delay(1);
            }
        }

        public void Release() => _held.TrySetResult();

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            Release();
            await Task.WhenAll(_tasks).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            _stop.Dispose();
        }

        private async Task RunAsync(TextGenerator generator, GenerationRequest request, int stream)
        {
            while (!_stop.IsCancellationRequested)
            {
                await _held.Task;
                Interlocked.Increment(ref _running);
                try
                {
                    await using IGeneration generation = await generator.StartAsync(request, _stop.Token);
                    await foreach (GenerationChunk chunk in generation.ReadAllAsync(_stop.Token))
                    {
                        Note(stream);
                    }
                }
                catch (Exception) when (!_stop.IsCancellationRequested)
                {
                    Lost++;
                }
                finally
                {
                    Interlocked.Decrement(ref _running);
                }
            }
        }

        private void Note(int stream)
        {
            lock (_gate)
            {
                long now = Stopwatch.GetTimestamp();
                _gaps.Add(Stopwatch.GetElapsedTime(_last[stream], now).TotalMilliseconds);
                _last[stream] = now;
            }
        }

        private static TaskCompletionSource Open()
        {
            var open = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            open.SetResult();
            return open;
        }
    }
}
