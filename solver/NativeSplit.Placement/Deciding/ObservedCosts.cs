namespace NativeSplit.Placement.Deciding;

/// <summary>Learns what a layer takes on a node from the times of its stage: <c>µs = layers · (step + row · rows)</c>.</summary>
/// <remarks>One per node. Gives the figures of <see cref="Problems.NodeFacts"/> as they are now, under the load that the node has anyway.</remarks>
public sealed class StageTimeEstimator
{
    private readonly RecursiveLeastSquares _fit;

    /// <summary>Starts from what a probe measured.</summary>
    /// <param name="prefillNanosecondsPerRow">A prompt's row through a layer, in ns.</param>
    /// <param name="decodeNanosecondsPerStep">A decode step of one row through a layer, in ns.</param>
    public StageTimeEstimator(long prefillNanosecondsPerRow, long decodeNanosecondsPerStep) =>
        _fit = new RecursiveLeastSquares([(decodeNanosecondsPerStep - prefillNanosecondsPerRow) / 1000.0, prefillNanosecondsPerRow / 1000.0], 1e4, 0.98);

    /// <summary>A prompt's row through a layer, in ns; from 0.</summary>
    public long PrefillNanosecondsPerRow => Nanoseconds(_fit.Coefficients[1]);

    /// <summary>A decode step of one row through a layer, in ns; from 0.</summary>
    public long DecodeNanosecondsPerStep => Nanoseconds(_fit.Coefficients[0] + _fit.Coefficients[1]);

    /// <summary>Takes a stage's time.</summary>
    /// <param name="layers">Layers of the stage, from 1.</param>
    /// <param name="rows">Rows of the step, from 1.</param>
    /// <param name="microseconds">What it took.</param>
    public void Observe(int layers, int rows, double microseconds)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(layers);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(rows);
        _fit.Observe([1, rows], microseconds / layers);
    }

    internal static long Nanoseconds(double microseconds) => (long)Math.Clamp(Math.Round(microseconds * 1000), 0, Problems.ProblemRules.MaxTime);
}

/// <summary>Learns latency and rate of a link from the times of messages: <c>µs = latency + bytes / rate</c>.</summary>
public sealed class LinkEstimator
{
    private readonly RecursiveLeastSquares _fit;

    /// <summary>Starts from what a probe measured.</summary>
    /// <param name="latencyMicroseconds">One-way delay, in µs.</param>
    /// <param name="bytesPerSecond">Rate.</param>
    public LinkEstimator(long latencyMicroseconds, long bytesPerSecond)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(bytesPerSecond);
        _fit = new RecursiveLeastSquares([latencyMicroseconds, 1e9 / bytesPerSecond], 1e4, 0.98);
    }

    /// <summary>One-way delay, in µs; from 0.</summary>
    public long LatencyMicroseconds => (long)Math.Clamp(Math.Round(_fit.Coefficients[0]), 0, Problems.ProblemRules.MaxTime);

    /// <summary>Rate, in bytes per second; from 1.</summary>
    public long BytesPerSecond => (long)Math.Clamp(1e9 / Math.Max(_fit.Coefficients[1], 1e-6), 1, Problems.ProblemRules.MaxBytes);

    /// <summary>Takes a message's time.</summary>
    /// <param name="bytes">Its bytes.</param>
    /// <param name="microseconds">From send to receipt.</param>
    public void Observe(long bytes, double microseconds) => _fit.Observe([1, bytes / 1000.0], microseconds);
}
