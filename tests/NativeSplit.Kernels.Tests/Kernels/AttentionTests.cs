namespace NativeSplit.Kernels.Tests.Kernels;

/// <summary>Attention run by run against a softmax over all positions in double precision.</summary>
public sealed class AttentionTests
{
    [Theory]
    [MemberData(nameof(KernelSetCases.Names), MemberType = typeof(KernelSetCases))]
    public void AttendRun_EqualsWholeSoftmax_ForEveryCutIntoRuns(string kernels)
    {
        KernelSet set = KernelSetCases.Get(kernels);
        var random = new Random(41);
        foreach (int headSize in (int[])[4, 8, 16, 20, 32, 64, 80, 96, 128])
        {
            foreach (int[] runs in (int[][])[[1], [7], [16], [64], [16, 16, 5], [1, 1, 1], [33, 64, 2]])
            {
                int count = runs.Sum();
                float scale = 1f / MathF.Sqrt(headSize);
                float[] query = KernelSetCases.RandomFloats(random, headSize, 4f);
                float[] keys = KernelSetCases.RandomFloats(random, count * headSize, 4f);
                float[] values = KernelSetCases.RandomFloats(random, count * headSize);
                float[] output = Attend(set, query, keys, values, runs, scale);
                double[] expected = Reference(query, keys, values, count, scale);

                // A score is off by at most headSize·eps·|q|·|k|·scale ≤ 16·√headSize·headSize·eps; a weight by that, relative,
                // plus 2·10⁻⁷ of exp for it and for the sum; the weighted sum rounds once per position. |values| ≤ 1.
                double eps = Math.ScaleB(1, -24);
                double tolerance = 2 * ((16 * Math.Sqrt(headSize) * headSize * eps) + 2e-7 + (count * eps));
                for (int i = 0; i < headSize; i++)
                {
                    Assert.True(Math.Abs(expected[i] - output[i]) <= tolerance, $"head {headSize} runs {string.Join('+', runs)} element {i}: {expected[i]} {output[i]}");
                }
            }
        }
    }

    [Fact]
    public void AttendRun_GivesTheSameBits_OnBothSimdSets()
    {
        KernelSet avx2 = KernelSetCases.Get("avx2");
        KernelSet avx512 = KernelSetCases.Get("avx512");
        var random = new Random(42);
        foreach (int headSize in (int[])[4, 16, 20, 64, 80, 128])
        {
            foreach (int[] runs in (int[][])[[1], [16, 16, 5], [33, 64, 2]])
            {
                int count = runs.Sum();
                float[] query = KernelSetCases.RandomFloats(random, headSize, 4f);
                float[] keys = KernelSetCases.RandomFloats(random, count * headSize, 4f);
                float[] values = KernelSetCases.RandomFloats(random, count * headSize);
                Bits.AssertEqual(
                    Attend(avx2, query, keys, values, runs, 0.3f), Attend(avx512, query, keys, values, runs, 0.3f), $"head {headSize}");
            }
        }
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

    [Theory]
    [MemberData(nameof(KernelSetCases.Names), MemberType = typeof(KernelSetCases))]
    public void AttendRun_LeavesStateAndOutput_WhenEveryScoreIsMinusInfinity(string kernels)
    {
        KernelSet set = KernelSetCases.Get(kernels);
        SoftmaxState state = SoftmaxState.Empty;
        float[] output = new float[8];
        float[] keys = new float[24];
        Array.Fill(keys, float.NegativeInfinity);
        float[] query = new float[8];
        Array.Fill(query, 1f);
        set.AttendRun(query, keys, new float[24], 3, 1f, ref state, output, new float[3]);
        Assert.Equal(SoftmaxState.Empty, state);
        Assert.All(output, value => Assert.Equal(0f, value));

        float[] realKeys = new float[8];
        float[] realValues = [1, 2, 3, 4, 5, 6, 7, 8];
        set.AttendRun(query, realKeys, realValues, 1, 1f, ref state, output, new float[1]);
        set.FinishAttention(state, output);
        Assert.Equal(realValues, output);
    }

    [Theory]
    [MemberData(nameof(KernelSetCases.Names), MemberType = typeof(KernelSetCases))]
    public void AttendRun_StaysFinite_ForScoresThatOverflowAPlainExponential(string kernels)
    {
        KernelSet set = KernelSetCases.Get(kernels);
        float[] query = new float[16];
        Array.Fill(query, 100f);
        float[] keys = new float[32];
        keys.AsSpan(0, 16).Fill(100f);
        keys.AsSpan(16, 16).Fill(-100f);
        float[] values = new float[32];
        values.AsSpan(0, 16).Fill(2f);
        values.AsSpan(16, 16).Fill(5f);
        float[] output = Attend(set, query, keys, values, [1, 1], 1f);
        Assert.All(output, value => Assert.Equal(2f, value));
    }

    [Theory]
    [MemberData(nameof(KernelSetCases.Names), MemberType = typeof(KernelSetCases))]
    public void AttendRun_Refuses_WrongLengths(string kernels)
    {
        KernelSet set = KernelSetCases.Get(kernels);
        float[] head = new float[8];
        float[] run = new float[16];
        SoftmaxState state = SoftmaxState.Empty;
        Assert.Throws<ArgumentException>(() => set.AttendRun(head, run, run, 2, 1f, ref state, new float[7], new float[2]));
        Assert.Throws<ArgumentException>(() => set.AttendRun(head, run, run, 3, 1f, ref state, head, new float[3]));
        Assert.Throws<ArgumentException>(() => set.AttendRun(head, run, head, 2, 1f, ref state, head, new float[2]));
        Assert.Throws<ArgumentOutOfRangeException>(() => set.AttendRun(head, run, run, 2, 1f, ref state, head, new float[1]));
        Assert.Throws<ArgumentOutOfRangeException>(() => set.AttendRun(head, [], [], 0, 1f, ref state, head, new float[1]));
    }

    private static float[] Attend(KernelSet set, float[] query, float[] keys, float[] values, int[] runs, float scale)
    {
        int headSize = query.Length;
        float[] output = new float[headSize];
        SoftmaxState state = SoftmaxState.Empty;
        int start = 0;
        foreach (int run in runs)
        {
            set.AttendRun(
                query,
                keys.AsSpan(start * headSize, run * headSize),
                values.AsSpan(start * headSize, run * headSize),
                run,
                scale,
                ref state,
                output,
                new float[run]);
            start += run;
        }

        set.FinishAttention(state, output);
        return output;
    }

    private static double[] Reference(float[] query, float[] keys, float[] values, int count, float scale)
    {
        int headSize = query.Length;
        double[] scores = new double[count];
        for (int j = 0; j < count; j++)
        {
            for (int i = 0; i < headSize; i++)
            {
                scores[j] += (double)query[i] * keys[(j * headSize) + i];
            }

            scores[j] *= scale;
        }

        double maximum = scores.Max();
        double[] weights = [.. scores.Select(score => Math.Exp(score - maximum))];
        double[] output = new double[headSize];
        for (int i = 0; i < headSize; i++)
        {
            for (int j = 0; j < count; j++)
            {
                output[i] += weights[j] * values[(j * headSize) + i];
            }

            output[i] /= weights.Sum();
        }

        return output;
    }
}
