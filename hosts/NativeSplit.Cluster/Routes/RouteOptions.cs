using NativeSplit.Engine.Execution;

namespace NativeSplit.Cluster.Routes;

/// <summary>Limits of a route, the same on every stage.</summary>
public sealed record RouteOptions
{
    /// <summary>Encoding of rows on links; f32 keeps a split run bit-equal to an unsplit one.</summary>
    public RowEncoding Encoding { get; init; } = RowEncoding.F32;

    /// <summary>Rows of a batch at most.</summary>
    public int MaxRows { get; init; } = 256;

    /// <summary>Sequences of a batch at most.</summary>
    public int MaxSequences { get; init; } = 64;

    /// <summary>Positions of KV cache on each stage, over all sequences.</summary>
    public int KvTokens { get; init; } = 4096;

    /// <summary>Whether running sequences take their KV pages along when the plan changes; otherwise they are run again from their tokens.</summary>
    public bool MovesKv { get; init; } = true;

    /// <summary>Time for a step to come back before it fails, and for a worker to answer a reservation or to take a frame before it counts as lost.</summary>
    public TimeSpan StepTimeout { get; init; } = TimeSpan.FromSeconds(30);
}

/// <summary>Sums over the steps of a path.</summary>
/// <param name="Steps">Steps taken.</param>
/// <param name="StepTime">Their time, from the first stage's start to the last one's end.</param>
/// <param name="LocalTime">Part of it in the gateway's own executors.</param>
public readonly record struct RouteTimings(long Steps, TimeSpan StepTime, TimeSpan LocalTime);

/// <summary>What became of the running sequences when a plan came into force.</summary>
/// <param name="Sequences">Sequences that ran.</param>
/// <param name="IsKept">Whether they go on with their KV pages; otherwise they are run again from their tokens.</param>
/// <param name="KvBytes">Bytes of KV pages that the gateway sent or took; what workers sent each other isn't in it.</param>
/// <param name="Pause">Time for which no step could run.</param>
/// <param name="Loss">Why they aren't kept; null when they are, or none ran.</param>
public sealed record SwitchReport(int Sequences, bool IsKept, long KvBytes, TimeSpan Pause, string? Loss);
