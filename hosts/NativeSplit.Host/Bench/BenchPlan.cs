using System.Globalization;

namespace NativeSplit.Host.Bench;

/// <summary>One thing to measure, named as llama-bench does.</summary>
/// <param name="IsPrefill">True: a prompt in one go. False: tokens one after the other.</param>
/// <param name="Tokens">Tokens per sequence.</param>
/// <param name="Batch">Sequences that decode together; 1 for a prompt.</param>
/// <param name="Depth">Positions that are in the KV cache before.</param>
internal readonly record struct BenchTest(bool IsPrefill, int Tokens, int Batch, int Depth)
{
    /// <summary><c>pp512</c>, <c>tg128</c>, <c>tg128 x8</c>, <c>tg128 @ d1024</c>.</summary>
    public string Name => string.Create(
        CultureInfo.InvariantCulture,
        $"{(IsPrefill ? "pp" : "tg")}{Tokens}{(Batch == 1 ? "" : $" x{Batch}")}{(Depth == 0 ? "" : $" @ d{Depth}")}");

    /// <summary>Positions of one sequence.</summary>
    public int Positions => Depth + Tokens;
}

/// <summary>What to measure on one model, and how often.</summary>
internal sealed record BenchPlan
{
    /// <summary>Tests, in order.</summary>
    public required IReadOnlyList<BenchTest> Tests { get; init; }

    /// <summary>Measured runs of each test, after one that warms up.</summary>
    public required int Repetitions { get; init; }

    /// <summary>Rows that a prompt is taken in at a time.</summary>
    public required int ChunkRows { get; init; }

    /// <summary>Rows of the largest batch.</summary>
    public int MaxRows => Tests.Max(test => Math.Max(test.Batch, Math.Min(ChunkRows, Math.Max(test.Depth, test.IsPrefill ? test.Tokens : 1))));

    /// <summary>Positions of KV cache that the hungriest test needs.</summary>
    /// <param name="page">Positions that a sequence's room is rounded up to.</param>
    public int KvTokens(int page) => Tests.Max(test => test.Batch * ((test.Positions + page - 1) / page * page));
}
