namespace NativeSplit.Placement.Costs;

/// <summary>Φ of a plan by terms, all in 1e-5.</summary>
/// <param name="Latency">α·L: compute, links and the way back.</param>
/// <param name="SloMiss">Price of missed SLOs.</param>
/// <param name="Utilization">β·U, above what the base load costs anyway.</param>
/// <param name="Privacy">γ·P.</param>
/// <param name="Migration">Cost of the move from the plan in force.</param>
public sealed record CostBreakdown(long Latency, long SloMiss, long Utilization, long Privacy, long Migration)
{
    /// <summary>Φ.</summary>
    public long Total => checked(Latency + SloMiss + Utilization + Privacy + Migration);
}
