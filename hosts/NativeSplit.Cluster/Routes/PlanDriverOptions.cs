using System.Net;
using NativeSplit.Cluster.Plans;
using NativeSplit.Engine.Execution;
using NativeSplit.Model;
using NativeSplit.Placement;
using NativeSplit.Transport.Links;

namespace NativeSplit.Cluster.Routes;

/// <summary>Makes an executor for layers that run in this process.</summary>
/// <param name="layers">Its layers.</param>
/// <param name="kvTokens">Positions of KV cache to hold.</param>
/// <param name="maxRows">Rows of a batch at most.</param>
public delegate ILayerExecutor ExecutorFactory(LayerRange layers, int kvTokens, int maxRows);

/// <summary>What a gateway needs to put a plan in force.</summary>
public sealed record PlanDriverOptions
{
    /// <summary>Plans in order of preference; checked before. The first one whose nodes have all joined is in force. With none the path is broken until some are proposed.</summary>
    public required IReadOnlyList<Plan> Plans { get; init; }

    /// <summary>Whether workers that no plan names may join, for plans to come.</summary>
    public bool TakesAnyWorker { get; init; }

    /// <summary>
    /// How long nodes must neither come nor go before a plan in force gives way to a preferred one that has become possible: a node that
    /// flaps must not make the plan flap.
    /// </summary>
    public TimeSpan SettleTime { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Gives plans their epochs, signs them and keeps them; lent.</summary>
    public required PlanPublisher Publisher { get; init; }

    /// <summary>Shape of the model.</summary>
    public required ModelShape Shape { get; init; }

    /// <summary>Fingerprint that every worker's model must have.</summary>
    public required string ModelFingerprint { get; init; }

    /// <summary>The gateway's own name in the plan.</summary>
    public required NodeId Self { get; init; }

    /// <summary>Identity on links; renewed while the driver runs.</summary>
    public required CredentialSource Credentials { get; init; }

    /// <summary>Serial numbers of revoked certificates, for workers that come. Each handshake asks the credentials by itself.</summary>
    public Func<IReadOnlyList<string>> RevokedSerials { get; init; } = static () => [];

    /// <summary>
    /// Grants layers of the weight registry to a worker, by its name and public key, before they are assigned to it; null: workers have the model's
    /// file. May throw <see cref="ClusterException"/>; the plan is then not put in force.
    /// </summary>
    public Action<NodeId, string, LayerRange>? GrantWeights { get; init; }

    /// <summary>Address to listen at for workers.</summary>
    public required IPEndPoint Listen { get; init; }

    /// <summary>Executors of the gateway's own segments.</summary>
    public required ExecutorFactory Executors { get; init; }

    /// <summary>Limits of the route.</summary>
    public RouteOptions Route { get; init; } = new();

    /// <summary>Limits of links.</summary>
    public LinkOptions Link { get; init; } = new();

    /// <summary>Time for a worker to map its weights and link up.</summary>
    public TimeSpan PrepareTimeout { get; init; } = TimeSpan.FromMinutes(5);
}

/// <summary>A segment in force, for people.</summary>
/// <param name="Layers">Its layers.</param>
/// <param name="Node">Its node.</param>
/// <param name="Backend">What runs it.</param>
/// <param name="WeightBytes">Bytes of its weights; 0 for the gateway's own, which it counts itself.</param>
public sealed record StageStatus(LayerRange Layers, NodeId Node, string Backend, long WeightBytes);
