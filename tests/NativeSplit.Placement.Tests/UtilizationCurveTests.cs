using NativeSplit.Placement.Costs;
using NativeSplit.Placement.Problems;

namespace NativeSplit.Placement.Tests;

public sealed class UtilizationCurveTests
{
    [Theory]
    [InlineData(0.0)]
    [InlineData(0.5)]
    [InlineData(0.7)]
    [InlineData(0.8)]
    [InlineData(0.9)]
    public void Exact_IsTheQueueLength_AtTheBreaks(double load)
    {
        double expected = load * load / (1 - load) / 3.2 * 1e11;
        // Breaks are rounded to 1e-5.
        Assert.InRange(UtilizationCurve.Exact((long)Math.Round(load * 1e6)), expected - 0.5e6, expected + 0.5e6);
    }

    [Fact]
    public void Exact_IsConvex()
    {
        for (long load = 1; load < UtilizationCurve.MaxLoad; load += 7)
        {
            Assert.True(UtilizationCurve.Exact(load - 1) + UtilizationCurve.Exact(load + 1) >= 2 * UtilizationCurve.Exact(load), $"Not convex at {load}.");
        }
    }

    [Fact]
    public void Added_IsSuperadditive_WhenRounded()
    {
        Random random = new(11);
        for (int i = 0; i < 20_000; i++)
        {
            (int weight, int start, int a, int b) = (random.Next(2000), random.Next(500_000), random.Next(200_000), random.Next(200_000));
            Assert.True(
                UtilizationCurve.Added(weight, start, a + b) >= UtilizationCurve.Added(weight, start, a) + UtilizationCurve.Added(weight, start, b),
                $"Seed 11, draw {i}: weight {weight}, base {start}, {a} and {b}.");
        }
    }

    [Fact]
    public void Decaying_SumsToTheWhole_AndFalls()
    {
        for (int layers = 1; layers <= ProblemRules.MaxLayers; layers++)
        {
            IReadOnlyList<int> shares = Sensitivity.Decaying(layers);
            Assert.Equal(Sensitivity.Whole, shares.Sum());
            Assert.True(shares.Zip(shares.Skip(1)).All(pair => pair.Second <= pair.First + 1), $"{layers} layers: {string.Join(' ', shares)}");
        }
    }
}
