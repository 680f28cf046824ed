namespace NativeSplit.Orchestrator;

/// <summary>Where a sample comes from.</summary>
public enum SampleSource
{
    /// <summary>Measured for the purpose: one layer, or probes on a link.</summary>
    Probe,

    /// <summary>Observed while requests were served.</summary>
    Stage,
}

/// <summary>A figure that drifts: exponentially weighted mean and variance, with the time and source of the last sample.</summary>
/// <param name="Mean">The mean.</param>
/// <param name="Variance">The variance.</param>
/// <param name="Time">Time of the last sample, on the orchestrator's clock.</param>
/// <param name="Source">Source of the last sample.</param>
/// <remarks>Finch, Incremental calculation of weighted mean and variance (2009), eq. 124 and 143.</remarks>
public readonly record struct Estimate(double Mean, double Variance, TimeSpan Time, SampleSource Source)
{
    /// <summary>Weight of a new sample.</summary>
    public const double Alpha = 0.3;

    /// <summary>Starts from one sample.</summary>
    public static Estimate Of(double sample, TimeSpan time, SampleSource source) => new(sample, 0, time, source);

    /// <summary>Takes a sample in.</summary>
    public Estimate With(double sample, TimeSpan time, SampleSource source)
    {
        double difference = sample - Mean;
        double increment = Alpha * difference;
        return new Estimate(Mean + increment, (1 - Alpha) * (Variance + (difference * increment)), time, source);
    }

    /// <summary>Takes a sample in, or starts from it.</summary>
    public static Estimate Next(Estimate? before, double sample, TimeSpan time, SampleSource source) => before?.With(sample, time, source) ?? Of(sample, time, source);
}
