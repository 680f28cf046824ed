namespace NativeSplit.Placement;

/// <summary>How long a solver may search.</summary>
public sealed record SolveBudget
{
    /// <summary>Most elementary steps (segments looked at). With steps alone the result is the same on every run and machine.</summary>
    public long Steps { get; init; } = 100_000_000;

    /// <summary>Clock for <see cref="TimeLimit"/>; null for none.</summary>
    public TimeProvider? Clock { get; init; }

    /// <summary>Most time by <see cref="Clock"/>.</summary>
    public TimeSpan TimeLimit { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Gap between plan and lower bound at which the search may stop, in 1e-6 of Φ. Zero asks for the optimum.</summary>
    public int AcceptedGap { get; init; }
}
