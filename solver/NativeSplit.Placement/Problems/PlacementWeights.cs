namespace NativeSplit.Placement.Problems;

/// <summary>Weights of the objective's terms, in 1/1000; each from 0 to 100,000.</summary>
public sealed record PlacementWeights
{
    /// <summary>α, of latency.</summary>
    public int Latency { get; init; } = 1000;

    /// <summary>β, of utilisation.</summary>
    public int Utilization { get; init; } = 50;

    /// <summary>γ, of what untrusted nodes see.</summary>
    public int Privacy { get; init; } = 300;

    /// <summary>Price of missing an SLO by its own length. Steep, so that a miss is taken only where no plan avoids it cheaply.</summary>
    public int SloMiss { get; init; } = 10_000;

    /// <summary>Weight of moving weights and KV, as a share of the horizon.</summary>
    public int Migration { get; init; } = 1000;
}

/// <summary>The plan in force, from which a new one must be reached.</summary>
public sealed record MigrationFacts
{
    /// <summary>The plan in force.</summary>
    public required Plan Current { get; init; }

    /// <summary>Tokens of KV that would move with a layer.</summary>
    public required int LiveKvTokens { get; init; }

    /// <summary>H: time over which a move must pay back, in seconds.</summary>
    public int HorizonSeconds { get; init; } = 600;
}
