namespace NativeSplit.Kernels.Tests.Kernels;

/// <summary>Layer norm, GELU, soft cap and scaled sums against double precision, and against one another.</summary>
public sealed class ActivationTests
{
    private const double Eps = 1.0 / (1 << 24);

    private static int[] Lengths => [1, 2, 7, 8, 9, 16, 17, 31, 32, 33, 64, 96, 100, 160, 352, 2048];

    [Theory]
    [MemberData(nameof(KernelSetCases.Names), MemberType = typeof(KernelSetCases))]
    public void LayerNorm_IsWithinRoundingOfDouble_ForEveryLength(string kernels)
    {
        KernelSet set = KernelSetCases.Get(kernels);
        var random = new Random(51);
        foreach (int n in Lengths)
        {
            float[] x = [.. KernelSetCases.RandomFloats(random, n, 3f).Select(value => value + 1f)];
            float[] gain = KernelSetCases.RandomFloats(random, n);
            float[] bias = KernelSetCases.RandomFloats(random, n);
            float[] y = new float[n];
            set.LayerNorm(x, gain, bias, 1e-2f, y);
            double mean = x.Average(value => (double)value);
            double variance = x.Average(value => (value - mean) * (value - mean));
            double inverse = 1 / Math.Sqrt(variance + 1e-2f);
            for (int i = 0; i < n; i++)
            {
                double expected = ((x[i] - mean) * inverse * gain[i]) + bias[i];

                // The mean of values up to 4 is off by n·eps·4, and the difference from it rounds once; the rest as for RmsNorm. |gain| ≤ 1.
                double tolerance = ((((n + 1) * 4) + (((0.5 * n) + 6) * Math.Abs(x[i] - mean))) * inverse * Eps) + (2 * Eps);
                Assert.True(Math.Abs(expected - y[i]) <= tolerance, $"n {n} i {i}: {expected} {y[i]}");
            }

            float[] scalar = new float[n];
            KernelSetCases.Scalar.LayerNorm(x, gain, bias, 1e-2f, scalar);
            Bits.AssertEqual(scalar, y, $"n {n}");
            set.LayerNorm(x, gain, bias, 1e-2f, x);
            Bits.AssertEqual(y, x, $"in place, n {n}");
        }
    }

    [Theory]
    [MemberData(nameof(KernelSetCases.Names), MemberType = typeof(KernelSetCases))]
    public void Gelu_IsWithinRoundingOfDouble_FromTinyToHuge(string kernels)
    {
        KernelSet set = KernelSetCases.Get(kernels);
        float[] x = [.. Range(-12, 12, 4001), -1e30f, -1e10f, -100f, 1e-30f, -1e-30f, 0f, 100f, 1e10f, 1e30f, float.PositiveInfinity, float.NaN];
        float[] up = KernelSetCases.RandomFloats(new Random(52), x.Length);
        float[] y = new float[x.Length];
        float[] gated = new float[x.Length];
        set.Gelu(x, y);
        set.GeluMultiply(x, up, gated);
        for (int i = 0; i < x.Length; i++)
        {
            double u = Math.Sqrt(2 / Math.PI) * (x[i] + (0.044715 * x[i] * x[i] * x[i]));
            double expected = x[i] < -100 ? 0 : 0.5 * x[i] * (1 + Math.Tanh(u));
            if (float.IsNaN(x[i]))
            {
                Assert.True(float.IsNaN(y[i]));
            }
            else if (double.IsInfinity(expected) || Math.Abs(expected) > 1e9)
            {
                Assert.Equal(x[i], y[i]);
            }
            else
            {
                // The exponent 2u has relative error 5·eps, so its exponential |2u|·5·eps, which counts as far as the quotient is away from 1.
                double tolerance = (Math.Abs(expected) * ((Math.Min(Math.Abs(2 * u), 40) * 5 * Eps) + 5e-7)) + 1e-30;
                Assert.True(Math.Abs(expected - y[i]) <= Math.Max(tolerance, x[i] < -5 ? 1e-6 : 0), $"x {x[i]}: {expected} {y[i]}");
                Assert.Equal(y[i] * up[i], gated[i]);
            }
        }
    }

    [Theory]
    [MemberData(nameof(KernelSetCases.Names), MemberType = typeof(KernelSetCases))]
    public void SoftCap_IsWithinAMillionthOfDouble_AndKeepsTheSign(string kernels)
    {
        KernelSet set = KernelSetCases.Get(kernels);
        foreach (float cap in (float[])[0.5f, 3f, 50f])
        {
            float[] x = [.. Range(-20, 20, 4003), -1e30f, 1e30f, float.NegativeInfinity, float.PositiveInfinity, 1e-30f, -1e-20f, 0f];
            float[] y = [.. x];
            set.SoftCap(cap, y);
            for (int i = 0; i < x.Length; i++)
            {
                double expected = cap * Math.Tanh((double)x[i] / cap);
                Assert.True(Math.Abs(expected - y[i]) <= 1e-6 * Math.Abs(expected), $"cap {cap} x {x[i]}: {expected} {y[i]}");
                Assert.True(Math.Abs(y[i]) <= cap);
            }

            float[] bad = [float.NaN];
            set.SoftCap(cap, bad);
            Assert.True(float.IsNaN(bad[0]));
        }

        Assert.Throws<ArgumentOutOfRangeException>(() => set.SoftCap(0f, new float[1]));
        Assert.Throws<ArgumentOutOfRangeException>(() => set.SoftCap(float.NaN, new float[1]));
    }

    [Theory]
    [MemberData(nameof(KernelSetCases.Names), MemberType = typeof(KernelSetCases))]
    public void MultiplyAdd_RoundsOnce_ForEveryLength(string kernels)
    {
        KernelSet set = KernelSetCases.Get(kernels);
        var random = new Random(53);
        foreach (int n in Lengths)
        {
            float[] x = KernelSetCases.RandomFloats(random, n);
            float[] y = KernelSetCases.RandomFloats(random, n);
            float[] expected = [.. x.Zip(y, (a, b) => MathF.FusedMultiplyAdd(0.7f, a, b))];
            set.MultiplyAdd(0.7f, x, y);
            Bits.AssertEqual(expected, y, $"n {n}");
            set.Scale(3f, y);
            Bits.AssertEqual([.. expected.Select(value => value * 3f)], y, $"scaled, n {n}");
        }
    }

    [Fact]
    public void Activations_GiveTheSameBits_OnBothSimdSets()
    {
        KernelSet avx2 = KernelSetCases.Get("avx2");
        KernelSet avx512 = KernelSetCases.Get("avx512");
        float[] x = [.. Range(-30, 30, 20011), float.NegativeInfinity, float.PositiveInfinity];
        Compare((set, y) => set.Gelu(x, y));
        Compare((set, y) => set.GeluMultiply(x, x, y));
        Compare((set, y) =>
        {
            x.CopyTo(y, 0);
            set.SoftCap(7f, y);
        });

        void Compare(Action<KernelSet, float[]> operation)
        {
            float[] first = new float[x.Length];
            float[] second = new float[x.Length];
            operation(avx2, first);
            operation(avx512, second);
            Bits.AssertEqual(first, second, "operation");
        }
    }

    [Theory]
    [MemberData(nameof(KernelSetCases.Names), MemberType = typeof(KernelSetCases))]
    public void Operations_Refuse_WrongLengthsAndPartOverlap(string kernels)
    {
        KernelSet set = KernelSetCases.Get(kernels);
        float[] a = new float[16];
        float[] shared = new float[20];
        Assert.Throws<ArgumentException>(() => set.LayerNorm(a, new float[15], a, 1e-5f, new float[16]));
        Assert.Throws<ArgumentException>(() => set.LayerNorm(a, a, new float[15], 1e-5f, new float[16]));
        Assert.Throws<ArgumentException>(() => set.LayerNorm(shared.AsSpan(0, 16), a, a, 1e-5f, shared.AsSpan(1, 16)));
        Assert.Throws<ArgumentException>(() => set.Gelu(a, new float[15]));
        Assert.Throws<ArgumentException>(() => set.Gelu(shared.AsSpan(0, 16), shared.AsSpan(4, 16)));
        Assert.Throws<ArgumentException>(() => set.GeluMultiply(a, new float[15], new float[16]));
        Assert.Throws<ArgumentException>(() => set.MultiplyAdd(1f, a, new float[17]));
    }

    private static IEnumerable<float> Range(float first, float last, int count) =>
        Enumerable.Range(0, count).Select(i => first + ((last - first) * i / (count - 1)));
}
