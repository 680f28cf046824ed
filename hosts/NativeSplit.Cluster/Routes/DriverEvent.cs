using NativeSplit.Cluster.Links;
using NativeSplit.Cluster.Messages;
using NativeSplit.Placement;

namespace NativeSplit.Cluster.Routes;

/// <summary>What the driver's loop is told: a worker said hello, a worker is lost, or the plans have changed.</summary>
/// <param name="Connection">Link of the worker.</param>
/// <param name="Hello">Its hello.</param>
/// <param name="Cause">Why it is lost.</param>
/// <param name="Plans">New plans, in order of preference.</param>
internal sealed record DriverEvent(PeerConnection? Connection, NodeHello? Hello = null, ClusterException? Cause = null, IReadOnlyList<Plan>? Plans = null);
