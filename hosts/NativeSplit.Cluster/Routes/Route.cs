using NativeSplit.Cluster.Links;
using NativeSplit.Cluster.Stages;
using NativeSplit.Engine.Execution;
using NativeSplit.Model;
using NativeSplit.Placement;

namespace NativeSplit.Cluster.Routes;

/// <summary>One segment of the plan as the gateway reaches it: here, or over a link.</summary>
/// <param name="Layers">Its layers.</param>
/// <param name="Node">Its node.</param>
/// <param name="Local">The executor when the node is the gateway itself; owned by the route.</param>
/// <param name="Remote">The link when it is a worker; lent.</param>
internal sealed record RouteStage(LayerRange Layers, NodeId Node, ILayerExecutor? Local, PeerConnection? Remote)
{
    /// <summary>Sums of the stage when it runs here; a worker keeps its own.</summary>
    public StageMeter Meter { get; } = new();
}

/// <summary>A plan in force: every segment ready.</summary>
/// <param name="Epoch">Epoch of the plan.</param>
/// <param name="Stages">Segments in layer order.</param>
internal sealed record Route(PlanEpoch Epoch, IReadOnlyList<RouteStage> Stages) : IDisposable
{
    /// <summary>Where rows that leave for a stage come back: the first stage after it that runs here, or the end.</summary>
    public int ReturnOf(int stage)
    {
        int back = stage;
        while (back < Stages.Count && Stages[back].Remote is not null)
        {
            back++;
        }

        return back;
    }

    /// <summary>Whether a stage is reached over a link.</summary>
    public bool Uses(PeerConnection link) => Stages.Any(stage => stage.Remote == link);

    public void Dispose()
    {
        foreach (RouteStage stage in Stages)
        {
            stage.Local?.Dispose();
        }
    }
}
