using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using NativeSplit.Cluster.Identity;
using NativeSplit.Cluster.Plans;
using NativeSplit.Cluster.Routes;
using NativeSplit.Engine;
using NativeSplit.Engine.Caching;
using NativeSplit.Engine.Ends;
using NativeSplit.Engine.Execution;
using NativeSplit.Kernels;
using NativeSplit.Kernels.Threading;
using NativeSplit.Model;
using NativeSplit.Model.Files;
using NativeSplit.Model.Weights;
using NativeSplit.Placement;
using NativeSplit.Testing;
using NativeSplit.Transport.Links;

namespace NativeSplit.Worker.Tests;

/// <summary>A gateway and workers in this process: real identities, real links over loopback, the shipped model.</summary>
internal sealed class InProcessCluster : IAsyncDisposable
{
    public const int KvTokens = 256;
    private static readonly NodeId Gateway = new("gateway");
    private readonly ModelWeights _ends;
    private readonly ThreadTeam _team = ThreadTeam.Create(1);
    private readonly List<(WorkerNode Node, Task Run)> _workers = [];
    private readonly List<IDisposable> _owned = [];
    private readonly CancellationTokenSource _stop = new();
    private readonly TimeProvider _time;
    private readonly ActivationPrecision _precision;

    private InProcessCluster(TimeProvider time, ActivationPrecision precision)
    {
        _time = time;
        _precision = precision;
        Model = ModelFile.Open(TestData.ModelPath("roadside-1.6m-q8_0.gguf"));
        _ends = Model.Load(new WeightSelection(new LayerRange(0, 0), Embedding: true, Head: true));
        Embedding = new TokenEmbedding(Model.Shape, _ends, KernelCatalog.Default);
        Head = new LanguageHead(Model.Shape, _ends.Head!, KernelCatalog.Default, _team, precision: precision);
        Authority = ClusterAuthority.Create(TimeProvider.System);
        var registry = new ClusterRegistry();
        Nodes = new NodeRegistry(registry, TimeProvider.System);
        Tokens = new JoinTokenStore(Authority, TimeProvider.System, registry);
    }

    public ModelFile Model { get; }

    public ModelShape Shape => Model.Shape;

    public TokenEmbedding Embedding { get; }

    public LanguageHead Head { get; }

    public ClusterAuthority Authority { get; }

    public JoinTokenStore Tokens { get; }

    public NodeRegistry Nodes { get; }

    public PlanPublisher Publisher { get; private set; } = null!;

    public PlanDriver Driver { get; private set; } = null!;

    /// <summary>Starts a gateway with a plan, and a worker for each other node in it.</summary>
    public static async Task<InProcessCluster> StartAsync(Plan plan, RouteOptions? route = null, TimeProvider? time = null, bool startWorkers = true, ActivationPrecision precision = ActivationPrecision.Int8, params Plan[] lessPreferred)
    {
        var cluster = new InProcessCluster(time ?? TimeProvider.System, precision);
        try
        {
            cluster.Publisher = await PlanPublisher.LeadAsync(new MemoryPlanStore(), new PlanSigner(cluster.Authority, Gateway, TimeProvider.System), "gateway", CancellationToken.None);
            cluster.Driver = PlanDriver.Start(
                new PlanDriverOptions
                {
                    Plans = [plan, .. lessPreferred],
                    SettleTime = TimeSpan.Zero,
                    Shape = cluster.Shape,
                    ModelFingerprint = cluster.Model.Fingerprint.Value,
                    Self = Gateway,
                    Publisher = cluster.Publisher,
                    Credentials = cluster.Credentials(NodeRole.Gateway, Gateway, cluster.Authority) with { IsRevoked = cluster.Nodes.IsRevoked },
                    RevokedSerials = cluster.Nodes.RevokedSerials,
                    Listen = new IPEndPoint(IPAddress.Loopback, 0),
                    Executors = cluster.CreateExecutor,
                    Route = route ?? new RouteOptions { KvTokens = KvTokens },
                },
                new EnrolmentServer(cluster.Authority, cluster.Tokens, cluster.Nodes), NullLogger.Instance, cluster._time);
            if (startWorkers)
            {
                foreach (NodeId node in plan.Segments.Select(s => s.Node).Where(n => n != Gateway).Distinct())
                {
                    cluster.StartWorker(node);
                }

                await cluster.Driver.InForce.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
            }

            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    /// <summary>A plan over the shipped model: (end of segment, node) in order, from layer 0.</summary>
    public static Plan PlanOf(params (int End, string Node)[] segments)
    {
        List<PlanSegment> list = [];
        int start = 0;
        foreach ((int end, string node) in segments)
        {
            list.Add(new PlanSegment(new LayerRange(start, end), new NodeId(node)));
            start = end;
        }

        return new Plan(new PlanEpoch(1), list);
    }

    public WorkerNode StartWorker(NodeId node, ExecutorFactory? executors = null, ModelFile? model = null, bool exitWithGateway = false)
    {
        var options = new WorkerOptions
        {
            Model = model ?? Model,
            Gateway = Driver.LocalEndPoint,
            Identity = IdentityOf(node, Authority),
            Executors = executors ?? CreateExecutor,
            WeightBytes = _ => 1,
            Listen = new IPEndPoint(IPAddress.Loopback, 0),
            ExitWithGateway = exitWithGateway,
        };
        WorkerNode worker = WorkerNode.Start(options, NullLogger.Instance, TimeProvider.System);
        _workers.Add((worker, worker.RunAsync(_stop.Token)));
        return worker;
    }

    /// <summary>A worker's identity, as the authority would grant it.</summary>
    public JoinedNode IdentityOf(NodeId node, ClusterAuthority authority) => new(
        new NodeIdentity(authority.Domain, NodeRole.Worker, node),
        new NodeIdentity(Authority.Domain, NodeRole.Gateway, Gateway),
        Credentials(NodeRole.Worker, node, authority));

    public LinkCredentials Credentials(NodeRole role, NodeId node, ClusterAuthority authority)
    {
        var certificate = authority.IssueWithKey(role, node);
        _owned.Add(certificate);
        return new LinkCredentials(certificate, Authority.Certificate);
    }

    /// <summary>All layers in one executor, as the reference.</summary>
    public LocalLayerPath CreateLocalPath() => new([CreateExecutor(Shape.AllLayers, KvTokens, 256)]);

    /// <summary>Runs tokens through a path, first some at once, then one by one; gives the logits of every position.</summary>
    public async Task<float[]> LogitsAsync(ILayerPath path, SequenceId sequence, int[] tokens, int prefill)
    {
        CancellationToken cancel = TestContext.Current.CancellationToken;
        Assert.True(await path.TryReserveAsync(sequence, tokens.Length, cancel));
        float[] logits = new float[tokens.Length * Shape.VocabularySize];
        for (int position = 0; position < tokens.Length;)
        {
            int count = position == 0 ? prefill : 1;
            float[] hidden = new float[count * Shape.HiddenSize];
            Embedding.Embed([.. tokens.Skip(position).Take(count).Select(t => new TokenId(t))], hidden, position);
            await path.ForwardAsync(new[] { new SequenceRows(sequence, position, count) }, hidden, cancel);
            for (int row = 0; row < count; row++)
            {
                Head.ComputeLogits(hidden, [row], logits.AsMemory((position + row) * Shape.VocabularySize, Shape.VocabularySize));
            }

            position += count;
        }

        await path.FreeAsync(sequence);
        return logits;
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        foreach ((WorkerNode node, Task run) in _workers)
        {
            await run.ContinueWith(_ => { }, TaskScheduler.Default);
            await node.DisposeAsync();
        }

        if (Driver is not null)
        {
            await Driver.DisposeAsync();
        }

        if (Publisher is not null)
        {
            await Publisher.DisposeAsync();
        }

        Head.Dispose();
        _team.Dispose();
        _ends.Dispose();
        Model.Dispose();
        _owned.ForEach(owned => owned.Dispose());
        Authority.Dispose();
        _stop.Dispose();
    }

    public ILayerExecutor CreateExecutor(LayerRange layers, int kvTokens, int maxRows)
    {
        ModelWeights weights = Model.Load(WeightSelection.LayersOnly(layers));
        ThreadTeam team = ThreadTeam.Create(1);
        return new OwningTestExecutor(
            new CpuLayerExecutor(Model.Shape, weights, KernelCatalog.Default, team, new CpuExecutorOptions { KvCapacityTokens = kvTokens, MaxBatchRows = maxRows, Activations = _precision }), weights, team);
    }

    private sealed class OwningTestExecutor(ILayerExecutor inner, params IDisposable[] owned) : ILayerExecutor
    {
        public ModelShape Shape => inner.Shape;

        public LayerRange Range => inner.Range;

        public string Backend => inner.Backend;

        public KvCacheUse KvCacheUse => inner.KvCacheUse;

        public IKvPages? KvPages => inner.KvPages;

        public bool TryReserve(SequenceId sequence, int tokens) => inner.TryReserve(sequence, tokens);

        public void Free(SequenceId sequence) => inner.Free(sequence);

        public void Forward(ReadOnlySpan<SequenceRows> batch, Span<float> hidden) => inner.Forward(batch, hidden);

        public void Dispose()
        {
            inner.Dispose();
            foreach (IDisposable part in owned)
            {
                part.Dispose();
            }
        }
    }
}
