namespace NativeSplit.Host.Bench;

/// <summary>What one test gave with so many threads.</summary>
internal sealed record BenchResult
{
    public required BenchTest Test { get; init; }

    public required int Threads { get; init; }

    /// <summary>Runs, in order.</summary>
    public required IReadOnlyList<BenchSample> Samples { get; init; }

    /// <summary>Bytes of weights that one decode step reads.</summary>
    public required long BytesPerStep { get; init; }

    /// <summary>Multiplications and additions with weights that one token of the test takes.</summary>
    public required long OperationsPerToken { get; init; }

    /// <summary>Bytes per second that as many threads read from memory in the same run.</summary>
    public required double ReadBandwidth { get; init; }

    /// <summary>Tokens of one run, over all sequences.</summary>
    public int Tokens => Test.Tokens * Test.Batch;

    /// <summary>Tokens per second of each run.</summary>
    public IEnumerable<double> Rates => Samples.Select(sample => Tokens / sample.Elapsed.TotalSeconds);

    /// <summary>Mean tokens per second.</summary>
    public double Mean => Rates.Average();

    /// <summary>Standard deviation of the runs' rates (n − 1); 0 for one run.</summary>
    public double Deviation => Samples.Count < 2 ? 0 : Math.Sqrt(Rates.Sum(rate => (rate - Mean) * (rate - Mean)) / (Samples.Count - 1));

    /// <summary>Tokens per second of the best run: what the program can do when nothing else takes the machine.</summary>
    public double Best => Rates.Max();

    /// <summary>Best time: a whole prompt for prefill (the engine's part of the time to the first token), one step for decode.</summary>
    public TimeSpan BestTime => Samples.Min(sample => sample.Elapsed) / (Test.IsPrefill ? 1 : Test.Tokens);

    /// <summary>Weight bytes per second at the best rate; null for prefill, which reads weights once for many tokens.</summary>
    public double? WeightBandwidth => Test.IsPrefill ? null : BytesPerStep / BestTime.TotalSeconds;

    /// <summary>Share of the read bandwidth; null for prefill.</summary>
    public double? ShareOfRead => WeightBandwidth / ReadBandwidth;

    /// <summary>Operations per second at the best rate.</summary>
    public double OperationRate => OperationsPerToken * Best;

    /// <summary>Managed bytes allocated per token in the run that allocated least: a runtime that compiles in the background isn't the engine's.</summary>
    public double AllocatedPerToken => Samples.Min(sample => sample.AllocatedBytes) / (double)Tokens;
}

/// <summary>One loaded model with so many threads.</summary>
/// <param name="Threads">Threads.</param>
/// <param name="Backend">What computed.</param>
/// <param name="LoadTime">From opening the file to being ready for the first row.</param>
/// <param name="ReadBandwidth">Bytes per second, the better of before and after.</param>
/// <param name="PeakMemoryBytes">Most memory in RAM, mapped weights included; null where the system doesn't tell.</param>
/// <param name="Results">One per test.</param>
internal sealed record BenchGroup(int Threads, string Backend, TimeSpan LoadTime, double ReadBandwidth, long? PeakMemoryBytes, IReadOnlyList<BenchResult> Results);
