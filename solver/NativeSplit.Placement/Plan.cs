using NativeSplit.Model;

namespace NativeSplit.Placement;

/// <summary>Contiguous layers on one node.</summary>
/// <param name="Layers">The layers, not empty.</param>
/// <param name="Node">Where they run.</param>
public sealed record PlanSegment(LayerRange Layers, NodeId Node);

/// <summary>A split of a model's layers and the node of each segment. The embedding and the head stay at the gateway.</summary>
/// <param name="Epoch">Number of the plan.</param>
/// <param name="Segments">Segments in layer order.</param>
public sealed record Plan(PlanEpoch Epoch, IReadOnlyList<PlanSegment> Segments);
