namespace NativeSplit.Kernels.Tests.Kernels;

/// <summary>Norm, rotary embedding, activation and sums against double precision, and their rules of aliasing.</summary>
public sealed class ElementwiseTests
{
    private const double Eps = 1.0 / (1 << 24);

    private static int[] Lengths => [1, 2, 7, 8, 9, 16, 17, 31, 32, 33, 64, 96, 100, 160, 352, 2048];

    [Theory]
    [MemberData(nameof(KernelSetCases.Names), MemberType = typeof(KernelSetCases))]
    public void RmsNorm_IsWithinRoundingOfDouble_ForEveryLength(string kernels)
    {
        KernelSet set = KernelSetCases.Get(kernels);
        var random = new Random(31);
        foreach (int n in Lengths)
        {
            float[] x = KernelSetCases.RandomFloats(random, n, 3f);
            float[] gain = KernelSetCases.RandomFloats(random, n);
            float[] y = new float[n];
            set.RmsNorm(x, gain, 1e-5f, y);
            double mean = x.Sum(value => (double)value * value) / n;
            for (int i = 0; i < n; i++)
            {
                double expected = x[i] * gain[i] / Math.Sqrt(mean + 1e-5f);

                // A sum of n squares has relative error n·eps, halved by the root; six more operations round once each.
                Assert.True(Math.Abs(expected - y[i]) <= ((0.5 * n) + 6) * Eps * Math.Abs(expected), $"n {n} i {i}: {expected} {y[i]}");
            }

            float[] scalar = new float[n];
            KernelSetCases.Scalar.RmsNorm(x, gain, 1e-5f, scalar);
            Bits.AssertEqual(scalar, y, $"n {n}");
            set.RmsNorm(x, gain, 1e-5f, x);
            Bits.AssertEqual(y, x, $"in place, n {n}");
        }
    }

    [Theory]
    [MemberData(nameof(KernelSetCases.Names), MemberType = typeof(KernelSetCases))]
    public void Rotate_IsWithinRoundingOfDouble_ForBothPairings(string kernels)
    {
        KernelSet set = KernelSetCases.Get(kernels);
        var random = new Random(32);
        foreach (int pairs in Lengths)
        {
            float[] head = KernelSetCases.RandomFloats(random, (2 * pairs) + 3);
            float[] cosine = new float[pairs];
            float[] sine = new float[pairs];
            for (int i = 0; i < pairs; i++)
            {
                (double s, double c) = Math.SinCos(random.NextDouble() * 100);
                (sine[i], cosine[i]) = ((float)s, (float)c);
            }

            Check(head, cosine, sine, interleaved: true);
            Check(head, cosine, sine, interleaved: false);
        }

        void Check(float[] head, float[] cosine, float[] sine, bool interleaved)
        {
            int pairs = cosine.Length;
            float[] actual = [.. head];
            float[] scalar = [.. head];
            if (interleaved)
            {
                set.RotateInterleaved(actual, cosine, sine);
                KernelSetCases.Scalar.RotateInterleaved(scalar, cosine, sine);
            }
            else
            {
                set.RotateHalves(actual, cosine, sine);
                KernelSetCases.Scalar.RotateHalves(scalar, cosine, sine);
            }

            Bits.AssertEqual(scalar, actual, $"pairs {pairs}");
            for (int i = 0; i < pairs; i++)
            {
                (int ia, int ib) = interleaved ? (2 * i, (2 * i) + 1) : (i, i + pairs);
                double a = head[ia], b = head[ib], c = cosine[i], s = sine[i];

                // Two products and a sum round once each.
                double tolerance = 2 * Eps * (Math.Abs(a) + Math.Abs(b));
                Assert.Equal((a * c) - (b * s), actual[ia], tolerance);
                Assert.Equal((a * s) + (b * c), actual[ib], tolerance);
            }

            Assert.Equal(head[(2 * pairs)..], actual[(2 * pairs)..]);
        }
    }

    [Theory]
    [MemberData(nameof(KernelSetCases.Names), MemberType = typeof(KernelSetCases))]
    public void SiluMultiply_IsWithin5e7OfDouble_ForEveryLength(string kernels)
    {
        KernelSet set = KernelSetCases.Get(kernels);
        var random = new Random(33);
        foreach (int n in Lengths)
        {
            float[] gate = KernelSetCases.RandomFloats(random, n, 30f);
            float[] up = KernelSetCases.RandomFloats(random, n);
            float[] y = new float[n];
            set.SiluMultiply(gate, up, y);
            for (int i = 0; i < n; i++)
            {
                double expected = gate[i] / (1 + Math.Exp(-(double)gate[i])) * up[i];

                // exp 2·10⁻⁷, then a sum, a quotient and a product, 6·10⁻⁸ each.
                Assert.True(Math.Abs(expected - y[i]) <= 4e-7 * Math.Abs(expected), $"n {n} i {i} gate {gate[i]}: {expected} {y[i]}");
            }

            float[] gateInPlace = [.. gate];
            set.SiluMultiply(gateInPlace, up, gateInPlace);
            Bits.AssertEqual(y, gateInPlace, $"in place of gate, n {n}");
            set.SiluMultiply(gate, up, up);
            Bits.AssertEqual(y, up, $"in place of up, n {n}");
        }
    }

    [Theory]
    [MemberData(nameof(KernelSetCases.Names), MemberType = typeof(KernelSetCases))]
    public void SiluMultiply_KeepsTheLimits_ForExtremeGates(string kernels)
    {
        KernelSet set = KernelSetCases.Get(kernels);
        float[] gate = [0f, -0f, 87f, 89f, 200f, 1e30f, float.MaxValue, -87f, -88.8f, -104f, -200f, -1e30f, float.PositiveInfinity, float.NaN, -20f, 20f, -88f];
        float[] up = new float[gate.Length];
        Array.Fill(up, 1f);
        float[] y = new float[gate.Length];
        set.SiluMultiply(gate, up, y);
        for (int i = 0; i < gate.Length; i++)
        {
            double expected = gate[i] / (1 + Math.Exp(-(double)gate[i]));
            if (double.IsNaN(expected))
            {
                Assert.True(float.IsNaN(y[i]), $"gate {gate[i]}: {y[i]}");
            }
            else if (Math.Abs(expected) > 1e30)
            {
                Assert.Equal((float)expected, y[i]);
            }
            else
            {
                // Below −88.72 the exponential overflows and the result is zero; the true value is below 3·10⁻³⁷ there.
                Assert.True(Math.Abs(expected - y[i]) <= (4e-7 * Math.Abs(expected)) + 3e-37, $"gate {gate[i]}: {expected} {y[i]}");
            }
        }
    }

    [Theory]
    [MemberData(nameof(KernelSetCases.Names), MemberType = typeof(KernelSetCases))]
    public void Add_RoundsOnce_ForEveryLength(string kernels)
    {
        KernelSet set = KernelSetCases.Get(kernels);
        var random = new Random(34);
        foreach (int n in Lengths)
        {
            float[] x = KernelSetCases.RandomFloats(random, n);
            float[] y = KernelSetCases.RandomFloats(random, n);
            float[] expected = [.. x.Zip(y, (a, b) => (float)((double)a + b))];
            set.Add(x, y);
            Bits.AssertEqual(expected, y, $"n {n}");
            set.Add(x, x.AsSpan());
            Assert.All(x.Zip(expected), pair => Assert.False(float.IsNaN(pair.First)));
        }
    }

    [Theory]
    [MemberData(nameof(KernelSetCases.Names), MemberType = typeof(KernelSetCases))]
    public void Operations_Refuse_WrongLengthsAndPartOverlap(string kernels)
    {
        KernelSet set = KernelSetCases.Get(kernels);
        float[] a = new float[16];
        float[] b = new float[16];
        float[] shared = new float[20];
        Assert.Throws<ArgumentException>(() => set.RmsNorm(a, new float[15], 1e-5f, b));
        Assert.Throws<ArgumentException>(() => set.RmsNorm(a, a, 1e-5f, new float[15]));
        Assert.Throws<ArgumentException>(() => set.RmsNorm(shared.AsSpan(0, 16), a, 1e-5f, shared.AsSpan(1, 16)));
        Assert.Throws<ArgumentException>(() => set.RmsNorm(a, shared.AsSpan(0, 16), 1e-5f, shared.AsSpan(0, 16)));
        Assert.Throws<ArgumentException>(() => set.SiluMultiply(a, new float[15], b));
        Assert.Throws<ArgumentException>(() => set.SiluMultiply(shared.AsSpan(0, 16), a, shared.AsSpan(4, 16)));
        Assert.Throws<ArgumentException>(() => set.SiluMultiply(a, shared.AsSpan(0, 16), shared.AsSpan(4, 16)));
        Assert.Throws<ArgumentException>(() => set.Add(a, new float[17]));
        Assert.Throws<ArgumentException>(() => set.Add(shared.AsSpan(0, 16), shared.AsSpan(4, 16)));
        Assert.Throws<ArgumentOutOfRangeException>(() => set.RotateInterleaved(new float[15], new float[8], new float[8]));
        Assert.Throws<ArgumentException>(() => set.RotateHalves(a, new float[8], new float[7]));
    }

    [Fact]
    public void SiluMultiply_GivesTheSameBits_OnBothSimdSets()
    {
        KernelSet avx2 = KernelSetCases.Get("avx2");
        KernelSet avx512 = KernelSetCases.Get("avx512");
        const int Count = 20011;
        float[] gate = new float[Count];
        for (int i = 0; i < Count; i++)
        {
            gate[i] = (i - (Count / 2)) * 0.0123f;
        }

        float[] up = KernelSetCases.RandomFloats(new Random(43), Count);
        float[] first = new float[Count];
        float[] second = new float[Count];
        avx2.SiluMultiply(gate, up, first);
        avx512.SiluMultiply(gate, up, second);
        Bits.AssertEqual(first, second, "SiLU");
    }
}
