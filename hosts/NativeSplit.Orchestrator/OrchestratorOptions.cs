using NativeSplit.Cluster.Capacity;
using NativeSplit.Model.Files;
using NativeSplit.Placement;
using NativeSplit.Placement.Deciding;
using NativeSplit.Placement.Problems;

namespace NativeSplit.Orchestrator;

/// <summary>What an orchestrator plans for, and how eagerly.</summary>
public sealed record OrchestratorOptions
{
    /// <summary>The model; lent.</summary>
    public required ModelFile Model { get; init; }

    /// <summary>The gateway, where tokens start and end.</summary>
    public required NodeId Origin { get; init; }

    /// <summary>What the gateway itself can do.</summary>
    public required CapacityProfile OriginProfile { get; init; }

    /// <summary>Workers that may see what the gateway sees, besides those whose certificate says so. The gateway is trusted in any case.</summary>
    public IReadOnlySet<NodeId> Trusted { get; init; } = new HashSet<NodeId>();

    /// <summary>Which layers only trusted nodes may run.</summary>
    public PrivacyPolicy Privacy { get; init; } = PrivacyPolicy.Relaxed;

    /// <summary>The load that is expected, with its service level objectives.</summary>
    public required IReadOnlyList<RequestClass> Requests { get; init; }

    /// <summary>Bytes of one row between two nodes.</summary>
    public required long BorderBytesPerRow { get; init; }

    /// <summary>Tokens of KV that every layer keeps room for.</summary>
    public required int KvReserveTokens { get; init; }

    /// <summary>Weights of the objective.</summary>
    public PlacementWeights Weights { get; init; } = new();

    /// <summary>When a plan is left for a better one.</summary>
    public PolicyOptions Policy { get; init; } = new();

    /// <summary>Time over which a move must pay back.</summary>
    public TimeSpan Horizon { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Time between two looks at the stages.</summary>
    public TimeSpan Cycle { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Time between two surveys of a node and its links.</summary>
    public TimeSpan SurveyInterval { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Time for a node to answer a survey.</summary>
    public TimeSpan SurveyPatience { get; init; } = TimeSpan.FromSeconds(20);
}
