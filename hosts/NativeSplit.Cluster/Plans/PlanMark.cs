namespace NativeSplit.Cluster.Plans;

/// <summary>The highest plan that a node has seen: older ones are refused, also after a restart.</summary>
/// <param name="Cluster">Trust domain of the cluster.</param>
/// <param name="Term">Term of the plan.</param>
/// <param name="Epoch">Epoch of the plan.</param>
/// <param name="Hash">SHA-256 of the signed plan, hexadecimal.</param>
public sealed record PlanMark(string Cluster, ulong Term, ulong Epoch, string Hash);
