using NativeSplit.Placement;

namespace NativeSplit.Cluster.Capacity;

/// <summary>A worker that has joined.</summary>
/// <param name="Node">Its name.</param>
/// <param name="IsTrusted">Whether its certificate bears the label that an operator granted.</param>
/// <param name="Profile">What it said of itself when it joined; null when it measured nothing.</param>
public sealed record WorkerStatus(NodeId Node, bool IsTrusted, CapacityProfile? Profile);
