using NativeSplit.Orchestrator;
using NativeSplit.Placement;
using NativeSplit.Placement.Deciding;
using NativeSplit.Placement.Problems;

namespace NativeSplit.Host.Composition;

/// <summary>How a gateway that plans by itself does it.</summary>
internal sealed record AdaptSettings
{
    /// <summary>Workers that may see what the gateway sees.</summary>
    public required IReadOnlySet<NodeId> Trusted { get; init; }

    public required PrivacyPolicy Privacy { get; init; }

    /// <summary>The load to plan for.</summary>
    public required IReadOnlyList<RequestClass> Requests { get; init; }

    public PlacementWeights Weights { get; init; } = new();

    public PolicyOptions Policy { get; init; } = new();

    public TimeSpan SurveyInterval { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Bytes that weights and KV cache may take in the gateway.</summary>
    public long MemoryBytes { get; init; } = long.MaxValue;

    /// <summary>Takes the decisions.</summary>
    public required IDecisionLog Decisions { get; init; }
}
