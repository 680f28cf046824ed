using NativeSplit.Placement.Deciding;

namespace NativeSplit.Placement.Tests;

public sealed class LearningTests
{
    [Fact]
    public void Observe_FindsTheCoefficients_OfNoiselessData()
    {
        RecursiveLeastSquares fit = new([0, 0, 0], 1e6, 1);
        Random random = new(5);
        double[] truth = [3, -2, 0.5];
        for (int i = 0; i < 200; i++)
        {
            double[] x = [random.NextDouble(), random.NextDouble(), random.NextDouble()];
            Assert.True(fit.Observe(x, truth.Zip(x, (a, b) => a * b).Sum()));
        }

        // The guess of zero counts as one observation of variance 1e6: what is left of it is below 1e-5.
        Assert.All(truth.Zip(fit.Coefficients.ToArray()), p => Assert.Equal(p.First, p.Second, 1e-5));
    }

    [Fact]
    public void StageTimes_FollowANodeThatGetsSlower()
    {
        StageTimeEstimator stage = new(50_000, 400_000);
        Random random = new(6);
        foreach ((double step, double row) in new[] { (350.0, 50.0), (700.0, 100.0) })
        {
            for (int i = 0; i < 500; i++)
            {
                int layers = random.Next(1, 9), rows = random.Next(3) == 0 ? random.Next(1, 513) : 1;
                stage.Observe(layers, rows, layers * (step + (row * rows)) * (1 + (0.02 * (random.NextDouble() - 0.5))));
            }

            // Noise of at most 1 % of a time, the longest of which are of 512 rows.
            Assert.InRange(stage.PrefillNanosecondsPerRow, row * 980, row * 1020);
            Assert.InRange(stage.DecodeNanosecondsPerStep, (step + row) * 1000 * 0.5, (step + row) * 1000 * 1.5);
        }
    }

    [Fact]
    public void Link_FindsLatencyAndRate()
    {
        LinkEstimator link = new(1000, 1_000_000);
        Random random = new(7);
        for (int i = 0; i < 400; i++)
        {
            long bytes = random.Next(1000, 2_000_000);
            link.Observe(bytes, 2500 + (bytes / 12.5));
        }

        Assert.InRange(link.LatencyMicroseconds, 2490, 2510);
        Assert.InRange(link.BytesPerSecond, 12_490_000, 12_510_000);
    }

    [Fact]
    public void Observe_ChangesNothing_WhenAFigureIsNotFinite()
    {
        RecursiveLeastSquares fit = new([1, 2], 1, 0.9);
        Assert.False(fit.Observe([double.NaN, 1], 1));
        Assert.False(fit.Observe([1, 1], double.PositiveInfinity));
        Assert.Equal([1, 2], fit.Coefficients.ToArray());
    }

    [Fact]
    public void Observe_StaysFinite_WhenInputsNeverChange()
    {
        RecursiveLeastSquares fit = new([0, 0], 1e4, 0.9);
        for (int i = 0; i < 100_000; i++)
        {
            fit.Observe([1, 1], 4);
        }

        Assert.Equal(4, fit.Coefficients[0] + fit.Coefficients[1], 1e-6);
    }

    [Fact]
    public void Observe_AllocatesNothing()
    {
        RecursiveLeastSquares fit = new([1, 2], 1, 0.9);
        double[] x = [1, 2];
        fit.Observe(x, 3);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++)
        {
            fit.Observe(x, i);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }
}
