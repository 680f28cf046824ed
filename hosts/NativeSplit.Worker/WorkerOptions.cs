using System.Net;
using NativeSplit.Cluster.Identity;
using NativeSplit.Cluster.Plans;
using NativeSplit.Cluster.Routes;
using NativeSplit.Model.Files;
using NativeSplit.Transport.Links;

namespace NativeSplit.Worker;

/// <summary>What a worker is started with.</summary>
public sealed record WorkerOptions
{
    /// <summary>The model; lent. Only the layers of an assignment are ever mapped.</summary>
    public required ModelFile Model { get; init; }

    /// <summary>Public key that the gateway grants layers of a weight registry to; null when the model is a file here.</summary>
    public string? WeightKey { get; init; }

    /// <summary>Link address of the gateway.</summary>
    public required EndPoint Gateway { get; init; }

    /// <summary>Who we are.</summary>
    public required JoinedNode Identity { get; init; }

    /// <summary>Judges the plans that the gateway brings; null: one that remembers for the life of this worker.</summary>
    public PlanGuard? Plans { get; init; }

    /// <summary>Makes executors; the worker owns them.</summary>
    public required ExecutorFactory Executors { get; init; }

    /// <summary>Bytes of weights that an executor of these layers maps, for reports.</summary>
    public required Func<NativeSplit.Model.LayerRange, long> WeightBytes { get; init; }

    /// <summary>Address to listen at for other workers.</summary>
    public IPEndPoint Listen { get; init; } = new(IPAddress.Any, 0);

    /// <summary>Host name or address for other workers to reach us at; null: the address the gateway sees.</summary>
    public string? AdvertisedHost { get; init; }

    /// <summary>End when the gateway leaves, instead of waiting for it to come back.</summary>
    public bool ExitWithGateway { get; init; }

    /// <summary>Limits of links.</summary>
    public LinkOptions Link { get; init; } = new();

    /// <summary>Time for the gateway or the next hop to take a frame before it counts as lost.</summary>
    public TimeSpan SendTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Whether it measures what a layer takes before it joins, for a gateway that plans by itself. A gateway that asks is answered in any case.</summary>
    public bool MeasuresAtJoin { get; init; }

    /// <summary>Bytes that weights and KV cache may take at most; the system's own limits hold besides.</summary>
    public long MemoryBytes { get; init; } = long.MaxValue;

    /// <summary>Positions of KV cache that the worker gives at most.</summary>
    public int MaxKvTokens { get; init; } = 1 << 20;
}
