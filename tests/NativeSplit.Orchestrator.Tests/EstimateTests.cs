namespace NativeSplit.Orchestrator.Tests;

public sealed class EstimateTests
{
    [Fact]
    public void With_GivesTheWeightedMoments_OfTheSamples()
    {
        double[] samples = [5, 7, 4, 9, 1, 6];
        Estimate estimate = Estimate.Of(samples[0], TimeSpan.Zero, SampleSource.Probe);
        for (int i = 1; i < samples.Length; i++)
        {
            estimate = estimate.With(samples[i], TimeSpan.FromSeconds(i), SampleSource.Stage);
        }

        // From the definition: weight of sample i is α(1−α)^(n−1−i), of the first (1−α)^(n−1).
        double[] weights = [.. samples.Select((_, i) => (i == 0 ? 1 : Estimate.Alpha) * Math.Pow(1 - Estimate.Alpha, samples.Length - 1 - i))];
        Assert.Equal(1, weights.Sum(), 12);
        double mean = samples.Zip(weights, (x, w) => x * w).Sum();
        double variance = samples.Zip(weights, (x, w) => w * (x - mean) * (x - mean)).Sum();
        Assert.Equal(mean, estimate.Mean, 12);
        Assert.Equal(variance, estimate.Variance, 12);
        Assert.Equal((TimeSpan.FromSeconds(5), SampleSource.Stage), (estimate.Time, estimate.Source));
    }
}
