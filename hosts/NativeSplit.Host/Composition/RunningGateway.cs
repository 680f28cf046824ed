using System.Net;
using Microsoft.Extensions.Logging;
using NativeSplit.Cluster.Capacity;
using NativeSplit.Cluster.Identity;
using NativeSplit.Cluster.Plans;
using NativeSplit.Cluster.Routes;
using NativeSplit.Cluster.Weights;
using NativeSplit.Engine.Execution;
using NativeSplit.Engine.Generation;
using NativeSplit.Gateway;
using NativeSplit.Model;
using NativeSplit.Orchestrator;
using NativeSplit.Placement;
using NativeSplit.Transport.Links;

namespace NativeSplit.Host.Composition;

/// <summary>What a gateway process is made of.</summary>
internal sealed record GatewaySettings
{
    /// <summary>The opened model; lent.</summary>
    public required LoadedModel Model { get; init; }

    /// <summary>Where the layers run: plans in order of preference; none: all here.</summary>
    public required IReadOnlyList<Plan> Plans { get; init; }

    /// <summary>The gateway's name in the plan.</summary>
    public required NodeId Self { get; init; }

    /// <summary>Where workers connect.</summary>
    public required IPEndPoint LinkAddress { get; init; }

    /// <summary>The HTTP API.</summary>
    public required GatewayOptions Http { get; init; }

    /// <summary>Limits of the route.</summary>
    public required RouteOptions Route { get; init; }

    /// <summary>How long a request waits for room before it is refused.</summary>
    public required TimeSpan AdmissionWait { get; init; }

    /// <summary>How long running answers wait for a broken path before they end with an error.</summary>
    public required TimeSpan RecoveryWait { get; init; }

    /// <summary>How it plans by itself; null: it keeps to <see cref="Plans"/>.</summary>
    public AdaptSettings? Adapt { get; init; }

    /// <summary>Where the cluster authority and its plans are kept; null: in memory.</summary>
    public CredentialStore? Store { get; init; }

    /// <summary>Folder of the weight registry that workers are granted layers from; null: they have the model's file.</summary>
    public string? Registry { get; init; }

    public required ILoggerFactory Loggers { get; init; }
}

/// <summary>A gateway at work: authority, plan driver, generator and HTTP API, started in that order and stopped in reverse.</summary>
internal sealed class RunningGateway : IAsyncDisposable
{
    private static readonly TimeSpan TellWaitAfter = TimeSpan.FromSeconds(1);

    private readonly Stack<IAsyncDisposable> _parts = new();
    private JoinTokenStore? _tokens;

    private RunningGateway()
    {
    }

    /// <summary>The driver of the plan; null when all layers run here.</summary>
    public PlanDriver? Driver { get; private set; }

    public TextGenerator Generator { get; private set; } = null!;

    public GatewayServer Server { get; private set; } = null!;

    /// <summary>Ends when requests can be answered.</summary>
    public Task Ready => Driver?.InForce ?? Task.CompletedTask;

    public static async Task<RunningGateway> StartAsync(GatewaySettings settings, CancellationToken cancellationToken)
    {
        var gateway = new RunningGateway();
        try
        {
            ILayerPath path = settings is { Plans.Count: 0, Adapt: null } ? gateway.StartLocal(settings) : await gateway.StartClusterAsync(settings, cancellationToken);
            gateway.Generator = settings.Model.CreateGenerator(path, settings.Route.MaxRows, settings.Route.MaxSequences, settings.AdmissionWait, settings.RecoveryWait);
            gateway._parts.Push(gateway.Generator);
            gateway.Server = await GatewayServer.StartAsync(settings.Http, [gateway.Describe(settings)], settings.Loggers, cancellationToken);
            gateway._parts.Push(gateway.Server);
            return gateway;
        }
        catch
        {
            await gateway.DisposeAsync();
            throw;
        }
    }

    /// <summary>A token that lets one worker join under one name.</summary>
    public JoinToken CreateToken(NodeId node) => _tokens!.Create(node);

    public async ValueTask DisposeAsync()
    {
        while (_parts.TryPop(out IAsyncDisposable? part))
        {
            await part.DisposeAsync();
        }
    }

    /// <summary>Checks plans before anything runs on them.</summary>
    /// <exception cref="PlanException">One breaks the rules.</exception>
    public static void Check(IReadOnlyList<Plan> plans, GatewaySettings settings)
    {
        foreach (Plan plan in plans)
        {
            IReadOnlyList<string> faults = PlanChecker.Check(plan, settings.Model.Shape.LayerCount, new HashSet<NodeId> { settings.Self });
            if (faults.Count > 0)
            {
                throw new PlanException(PlanFault.Invalid, "The plan breaks the rules. " + string.Join(' ', faults));
            }
        }
    }

    private LocalLayerPath StartLocal(GatewaySettings settings)
    {
        LocalLayerPath path = settings.Model.CreateLocalPath([settings.Model.Shape.AllLayers], settings.Route.KvTokens, settings.Route.MaxRows);
        _parts.Push(path);
        return path;
    }

    private async Task<ClusterPath> StartClusterAsync(GatewaySettings settings, CancellationToken cancellationToken)
    {
        ModelShape shape = settings.Model.Shape;
        Check(settings.Plans, settings);
        ClusterAuthority authority = settings.Store?.LoadOrCreateAuthority(TimeProvider.System) ?? ClusterAuthority.Create(TimeProvider.System);
        var registry = new ClusterRegistry(settings.Store);
        var nodes = new NodeRegistry(registry, TimeProvider.System);
        _tokens = new JoinTokenStore(authority, TimeProvider.System, registry);
        var credentials = new CredentialSource(new LinkCredentials(authority.IssueWithKey(NodeRole.Gateway, settings.Self), authority.Certificate) { IsRevoked = nodes.IsRevoked });
        var options = new PlanDriverOptions
        {
            Plans = settings.Plans,
            Shape = shape,
            ModelFingerprint = settings.Model.File.Fingerprint.Value,
            Self = settings.Self,
            Publisher = await LeadAsync(settings, authority, cancellationToken),
            Credentials = credentials,
            RevokedSerials = nodes.RevokedSerials,
            GrantWeights = settings.Registry is null ? null : GrantFrom(settings, authority),
            Listen = settings.LinkAddress,
            Executors = settings.Model.CreateExecutorBeside,
            Route = settings.Route,
            TakesAnyWorker = settings.Adapt is not null,
        };

        // Before anything else runs here, which would make it look slow.
        CapacityProfile? profile = settings.Adapt is { } adapt
            ? LayerProbe.Measure(settings.Model.CreateExecutorBeside, shape, Math.Min(adapt.MemoryBytes, MachineMemory.AvailableBytes()))
            : null;
        Driver = PlanDriver.Start(options, new EnrolmentServer(authority, _tokens, nodes), settings.Loggers.CreateLogger("plan"), TimeProvider.System);
        _parts.Push(Driver);
        ILogger log = settings.Loggers.CreateLogger("nodes");
        _parts.Push(new RevocationWatch(nodes, Driver.Drop, log, TimeProvider.System, Driver.Announce));
        _parts.Push(new CertificateRenewal(credentials, _ => Task.FromResult(authority.IssueWithKey(NodeRole.Gateway, settings.Self)), keep: null, log, TimeProvider.System));
        if (profile is not null)
        {
            _parts.Push(ClusterOrchestrator.Start(Driver, OptionsOf(settings, settings.Adapt!, profile), settings.Adapt!.Decisions, settings.Loggers.CreateLogger("orchestrator"), TimeProvider.System));
        }

        return Driver.Path;
    }

    /// <summary>Becomes the one that gives plans; waits, and says so, while another process does.</summary>
    private async Task<PlanPublisher> LeadAsync(GatewaySettings settings, ClusterAuthority authority, CancellationToken cancellationToken)
    {
        IPlanStore store = settings.Store is { } folder ? new FilePlanStore(folder.Folder, TimeProvider.System) : new MemoryPlanStore();
        Task<PlanPublisher> leading = PlanPublisher.LeadAsync(store, new PlanSigner(authority, settings.Self, TimeProvider.System), settings.Self.Value, cancellationToken);
        if (await Task.WhenAny(leading, Task.Delay(TellWaitAfter, cancellationToken)) != leading)
        {
            settings.Loggers.CreateLogger("plan").LogInformation("Another gateway leads with this plan store; this one waits to take over.");
        }

        PlanPublisher publisher = await leading;
        _parts.Push(publisher);
        return publisher;
    }

    /// <summary>Grants layers of the served model; checked now, so that a gateway without the model in its registry doesn't start.</summary>
    private static Action<NodeId, string, LayerRange> GrantFrom(GatewaySettings settings, ClusterAuthority authority)
    {
        var registry = new WeightRegistry(new FolderStorage(settings.Registry!), authority.Certificate);
        WeightManifest manifest = registry.Read(settings.Model.File.Fingerprint.Value);
        RegistrySecret secret = settings.Store?.TryLoadRegistrySecret()
            ?? throw new UsageException("No model was pushed with this --data folder; give the one that 'nativesplit model push' was given.");
        var publisher = new WeightPublisher(registry, authority, secret);
        return (node, key, layers) => publisher.Grant(manifest, node, key, layers);
    }

    private static OrchestratorOptions OptionsOf(GatewaySettings settings, AdaptSettings adapt, CapacityProfile profile) => new()
    {
        Model = settings.Model.File,
        Origin = settings.Self,
        OriginProfile = profile,
        Trusted = adapt.Trusted,
        Privacy = adapt.Privacy,
        Requests = adapt.Requests,
        BorderBytesPerRow = RowCodec.RowBytes(settings.Route.Encoding, settings.Model.Shape.HiddenSize),
        KvReserveTokens = settings.Route.KvTokens,
        Weights = adapt.Weights,
        Policy = adapt.Policy,
        SurveyInterval = adapt.SurveyInterval,
    };

    private GatewayModel Describe(GatewaySettings settings) => new()
    {
        Name = settings.Model.File.Name,
        Generator = Generator,
        Tokenizer = settings.Model.Tokenizer,
        RenderChat = settings.Model.ChatTemplate is { } template ? template.Render : null,
        Defaults = settings.Model.File.GenerationDefaults,
        Created = TimeProvider.System.GetUtcNow(),
        SystemFingerprint = "fp_" + settings.Model.File.Fingerprint.Value[..12],
        IsReady = () => Driver?.Path.IsInForce ?? true,
    };
}
