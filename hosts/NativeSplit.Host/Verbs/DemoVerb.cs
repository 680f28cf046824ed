using System.CommandLine;
using System.Net;
using System.Text;
using Microsoft.Extensions.Logging;
using NativeSplit.Cluster.Routes;
using NativeSplit.Engine.Execution;
using NativeSplit.Engine.Generation;
using NativeSplit.Engine.Sampling;
using NativeSplit.Gateway;
using NativeSplit.Host.Composition;
using NativeSplit.Host.Demo;
using NativeSplit.Placement;
using NativeSplit.Placement.Problems;

namespace NativeSplit.Host.Verbs;

/// <summary><c>demo</c>: a gateway and two workers as real processes on this machine, one model split over them.</summary>
internal static class DemoVerb
{
    private const int MaxTokens = 128;
    private const int WarmUpTokens = 8;

    public static Command Create()
    {
        Argument<string?> prompt = CommonArguments.Text("prompt", "What to ask. Default: a road report.", required: false);
        Option<string?> model = CommonArguments.Model();
        Option<bool> once = new("--once") { Description = "End after the answer instead of serving until Ctrl-C." };
        Option<bool> adaptive = new("--adaptive") { Description = "Show a cluster that plans by itself while a worker is slowed down, a link gets long, a worker is killed and another joins. Takes about a minute. Linux." };
        Option<string> http = new("--http") { Description = "Where the HTTP API listens.", HelpName = "ADDRESS:PORT", DefaultValueFactory = _ => "127.0.0.1:0" };
        Option<bool> verbose = new("--verbose", "-v") { Description = "Log what the nodes do." };
        var route = new RouteArguments();
        Command command = new("demo", "Split a model over three processes joined by sealed links, answer a prompt, and compare with the unsplit run.") { prompt, model, once, adaptive, http, verbose };
        route.AddTo(command);
        var compute = new ComputeOptions(processes: 3);
        compute.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            string path = DefaultModel.Resolve(parsed.GetValue(model));
            Compute machine = compute.Read(parsed);
            IPEndPoint address = EndPoints.ToListenAt(parsed.GetRequiredValue(http), "--http");
            using ILoggerFactory loggers = Logging.Create(parsed.GetValue(verbose), LogLevel.Error);
            using LoadedModel loaded = LoadedModel.Open(path, machine);
            RouteOptions limits = route.Read(parsed, loaded.Shape);
            Plan plan = DemoPlan.For(loaded.Shape.LayerCount);
            if (parsed.GetValue(adaptive))
            {
                return await RunAdaptiveAsync(loaded, machine, limits, path, parsed.GetValue(prompt) ?? DefaultModel.Prompt, loggers, cancellationToken);
            }

            await using RunningGateway gateway = await RunningGateway.StartAsync(
                new GatewaySettings
                {
                    Model = loaded,
                    Plans = [plan],
                    Self = DemoPlan.Gateway,
                    LinkAddress = new IPEndPoint(IPAddress.Loopback, 0),
                    Http = new GatewayOptions { ListenAddress = address.Address, Port = address.Port },
                    Route = limits,
                    AdmissionWait = route.ReadAdmissionWait(parsed),
                    RecoveryWait = route.ReadRecoveryWait(parsed),
                    Loggers = loggers,
                },
                cancellationToken);
            return await RunAsync(loaded, machine, plan, gateway, limits, path, parsed.GetValue(prompt) ?? DefaultModel.Prompt, parsed.GetValue(once), cancellationToken);
        });
        return command;
    }

    private static async Task<int> RunAsync(LoadedModel loaded, Compute machine, Plan plan, RunningGateway gateway, RouteOptions limits, string modelPath, string prompt, bool once, CancellationToken cancellationToken)
    {
        string[] arguments = WorkerArguments(modelPath, machine);
        int port = gateway.Driver!.LocalEndPoint.Port;
        await using WorkerProcess first = WorkerProcess.Start(DemoPlan.FirstWorker, port, gateway.CreateToken(DemoPlan.FirstWorker).ToText(), arguments);
        await using WorkerProcess second = WorkerProcess.Start(DemoPlan.SecondWorker, port, gateway.CreateToken(DemoPlan.SecondWorker).ToText(), arguments);
        await using var stopFirst = new StopBeforeWorkers(gateway);

        Task lost = await Task.WhenAny(gateway.Ready, first.WatchAsync(cancellationToken), second.WatchAsync(cancellationToken));
        await lost;
        IReadOnlyList<StageStatus> stages = await gateway.Driver.InForce;

        var request = new GenerationRequest
        {
            Prompt = PromptText.Encode(loaded, prompt, raw: false),
            MaxTokens = Math.Min(MaxTokens, loaded.Shape.ContextLength / 2),
            Sampling = SamplingOptions.Greedy,
        };
        DemoReport.Title(loaded.File.Name, prompt);

        // The first steps of a process are slow: code is compiled, caches are cold. They aren't what is to be shown.
        await GenerateAsync(gateway.Generator, request with { MaxTokens = WarmUpTokens }, Discard, cancellationToken);
        DemoMeasurement start = await MeasureAsync();
        await GenerateAsync(gateway.Generator, request with { MaxTokens = 1 }, Discard, cancellationToken, MeasureAsync);
        DemoMeasurement prefilled = await MeasureAsync();
        DemoMeasurement? decoding = null;
        DemoAnswer split = await GenerateAsync(
            gateway.Generator,
            request,
            DemoReport.Stream,
            cancellationToken,
            async () => decoding = await MeasureAsync());
        DemoMeasurement end = await MeasureAsync();
        DemoReport.EndOfStream();

        string unsplit = await GenerateUnsplitAsync(modelPath, machine, request, limits, cancellationToken);
        bool equal = unsplit == split.Text;
        DemoFigures figures = DemoFigures.Of(start, prefilled, decoding!, end, HopsOf(plan));
        DemoReport.Figures(stages, [(DemoPlan.Gateway, Environment.ProcessId), (first.Node, first.Id), (second.Node, second.Id)], figures, split, HopsOf(plan), limits.Encoding, equal);
        if (!once)
        {
            DemoReport.Serving(gateway.Server.Url, loaded.File.Name);
            await Task.WhenAny(Task.Delay(Timeout.Infinite, cancellationToken), first.WatchAsync(cancellationToken), second.WatchAsync(cancellationToken)).Unwrap();
        }

        // With rounded rows the texts may differ; that is no failure.
        return equal || limits.Encoding != RowEncoding.F32 ? ExitCode.Done : ExitCode.Failed;

        Task<DemoMeasurement> MeasureAsync() => DemoMeasurement.TakeAsync(gateway.Driver, plan.Segments.Count, cancellationToken);
    }

    private static async Task<int> RunAdaptiveAsync(LoadedModel loaded, Compute machine, RouteOptions limits, string modelPath, string prompt, ILoggerFactory loggers, CancellationToken cancellationToken)
    {
        var request = new GenerationRequest
        {
            Prompt = PromptText.Encode(loaded, prompt, raw: false),
            MaxTokens = Math.Min(3 * MaxTokens, loaded.Shape.ContextLength / 2),
            IgnoreEndOfGeneration = true,
            Sampling = SamplingOptions.Greedy,
        };
        string expected = await GenerateUnsplitAsync(modelPath, machine, request, limits, cancellationToken);
        IReadOnlyList<LayerFacts> layers = ModelFacts.LayersOf(loaded.File, PrivacyPolicy.None);
        long layerBytes = layers.Max(layer => layer.WeightBytes + (layer.KvBytesPerToken * limits.KvTokens));
        var decisions = new DecisionScreen();
        await using RunningGateway gateway = await RunningGateway.StartAsync(
            new GatewaySettings
            {
                Model = loaded,
                Plans = [],
                Adapt = AdaptiveDemo.SettingsOf(layerBytes, layers.Count, ModelFacts.EndBytesOf(loaded.File), decisions),
                Self = DemoPlan.Gateway,
                LinkAddress = new IPEndPoint(IPAddress.Loopback, 0),
                Http = new GatewayOptions { ListenAddress = IPAddress.Loopback, Port = 0 },
                Route = limits,
                AdmissionWait = TimeSpan.FromSeconds(30),
                RecoveryWait = TimeSpan.FromSeconds(30),
                Loggers = loggers,
            },
            cancellationToken);
        string memory = string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{AdaptiveDemo.WorkerBytes(layerBytes, layers.Count)} B");
        bool isGood = await AdaptiveDemo.RunAsync(gateway, decisions, [.. WorkerArguments(modelPath, machine), "--memory", memory], request, expected, cancellationToken);
        return isGood ? ExitCode.Done : ExitCode.Failed;
    }

    private static string[] WorkerArguments(string modelPath, Compute machine) =>
    [
        "--model", modelPath, "--kernels", machine.Kernels.Name, "--threads", machine.Threads.ToString(System.Globalization.CultureInfo.InvariantCulture),
        "--kv-type", machine.KvType.ToString(), "--device", machine.Device?.ToString() ?? ComputeOptions.Processor,
    ];

    private static int HopsOf(Plan plan)
    {
        int hops = 0;
        NodeId at = DemoPlan.Gateway;
        foreach (PlanSegment segment in plan.Segments)
        {
            hops += segment.Node == at ? 0 : 1;
            at = segment.Node;
        }

        return at == DemoPlan.Gateway ? hops : hops + 1;
    }

    private static async Task<string> GenerateUnsplitAsync(string modelPath, Compute machine, GenerationRequest request, RouteOptions limits, CancellationToken cancellationToken)
    {
        // Opened anew, with threads of its own: those of the serving generator may be at work for a client.
        using LoadedModel alone = LoadedModel.Open(modelPath, machine);
        await using LocalLayerPath path = alone.CreateLocalPath([alone.Shape.AllLayers], alone.Shape.ContextLength, limits.MaxRows);
        await using TextGenerator generator = alone.CreateGenerator(path, limits.MaxRows, maxSequences: 1);
        return (await GenerateAsync(generator, request, Discard, cancellationToken)).Text;
    }

    private static async Task<DemoAnswer> GenerateAsync(TextGenerator generator, GenerationRequest request, Action<string> onText, CancellationToken cancellationToken, Func<Task>? afterFirstToken = null)
    {
        var text = new StringBuilder();
        await using IGeneration generation = await generator.StartAsync(request, cancellationToken);
        await foreach (GenerationChunk chunk in generation.ReadAllAsync(cancellationToken))
        {
            text.Append(chunk.Text);
            onText(chunk.Text);
            if (afterFirstToken is not null)
            {
                await afterFirstToken();
                afterFirstToken = null;
            }
        }

        return new DemoAnswer(text.ToString(), generation.Usage, generation.Timings);
    }

    private static void Discard(string text)
    {
    }

    /// <summary>Workers end when the gateway says goodbye, so it must go first.</summary>
    private sealed class StopBeforeWorkers(RunningGateway gateway) : IAsyncDisposable
    {
        public ValueTask DisposeAsync() => gateway.DisposeAsync();
    }
}
