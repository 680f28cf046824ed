namespace NativeSplit.Placement.Problems;

/// <summary>Where shall the layers of a model run? All facts are integers, so that every solver and the checker agree to the last digit.</summary>
/// <remarks>Symbols, units and formulas: <c>docs/placement.md</c>.</remarks>
public sealed record PlacementProblem
{
    /// <summary>The model's layers, in order.</summary>
    public required IReadOnlyList<LayerFacts> Layers { get; init; }

    /// <summary>The embedding and the head.</summary>
    public required EndFacts Ends { get; init; }

    /// <summary>The nodes, the origin among them.</summary>
    public required IReadOnlyList<NodeFacts> Nodes { get; init; }

    /// <summary>The directed links between them.</summary>
    public required IReadOnlyList<LinkFacts> Links { get; init; }

    /// <summary>The load.</summary>
    public required IReadOnlyList<RequestClass> Requests { get; init; }

    /// <summary>The gateway: tokens start and end here. Trusted.</summary>
    public required NodeId Origin { get; init; }

    /// <summary>Bytes of one row between two segments.</summary>
    public required long BorderBytesPerRow { get; init; }

    /// <summary>Tokens of KV that every layer keeps room for.</summary>
    public required int KvReserveTokens { get; init; }

    /// <summary>Weights of the terms.</summary>
    public PlacementWeights Weights { get; init; } = new();

    /// <summary>The plan in force, or null when nothing runs yet and moving costs nothing.</summary>
    public MigrationFacts? Migration { get; init; }

    /// <summary>Index of the origin in <see cref="Nodes"/>, or -1.</summary>
    internal int OriginIndex
    {
        get
        {
            for (int n = 0; n < Nodes.Count; n++)
            {
                if (Nodes[n].Id == Origin)
                {
                    return n;
                }
            }

            return -1;
        }
    }

    /// <summary>Node that holds the layer by the plan in force, or null.</summary>
    internal NodeId? HolderOf(int layer)
    {
        NodeId? holder = null;
        foreach (PlanSegment segment in Migration?.Current.Segments ?? [])
        {
            holder = segment.Layers.Contains(layer) ? segment.Node : holder;
        }

        return holder;
    }

    /// <summary>True when the layer may run on trusted nodes only: it is critical itself, or a class of requests is private.</summary>
    internal bool NeedsTrust(int layer) => Layers[layer].IsPrivacyCritical || Requests.Any(r => r.IsPrivate);
}
