using NativeSplit.Placement.Costs;

namespace NativeSplit.Placement;

/// <summary>What the checker says of a plan.</summary>
/// <param name="Faults">Every hard rule that the plan breaks, in words; empty when it is good.</param>
/// <param name="Cost">Φ, or null when the plan is too broken to have one.</param>
public sealed record PlacementVerdict(IReadOnlyList<string> Faults, CostBreakdown? Cost);
