namespace NativeSplit.Kernels.Tests.Kernels;

/// <summary>Attention page by page against a softmax over all positions in double precision.</summary>
public sealed class AttentionTests
{
    private const int Positions = KeyValuePage.Positions;
    private const double Eps = 1.0 / (1 << 24);

    private static int[] HeadSizes => [1, 4, 8, 16, 20, 32, 64, 80, 96, 128, 256];

    [Theory]
    [MemberData(nameof(KernelSetCases.Names), MemberType = typeof(KernelSetCases))]
    public void AttendPage_EqualsWholeSoftmax_ForEveryNumberOfQueriesAndPositions(string kernels)
    {
        KernelSet set = KernelSetCases.Get(kernels);
        var random = new Random(41);
        foreach (int headSize in HeadSizes)
        {
            foreach (var (queries, first, count) in ((int, int, int)[])[(1, 0, 1), (2, 0, 32), (3, 5, 20), (4, 0, 64), (5, 33, 60), (8, 0, 100), (32, 31, 2)])
            {
                foreach (float softCap in (float[])[0f, 1.5f])
                {
                    var c = new AttentionCase(random, headSize, queries, first, count);
                    float[] output = c.Attend(set, softCap);
                    double[] expected = c.Reference(softCap);

                    // A score is off by at most headSize·eps·|q|·|k|·scale ≤ 16·√headSize·headSize·eps, a soft cap doesn't spread that and is
                    // off by 10⁻⁶ of itself; a weight by that, relative, plus 2·10⁻⁷ of exp for it and for the sum; the weighted sum rounds
                    // once per position. |values| ≤ 1.
                    double tolerance = 2 * ((16 * Math.Sqrt(headSize) * headSize * Eps) + (softCap * 1e-6) + 2e-7 + ((count + 8) * Eps));
                    for (int i = 0; i < output.Length; i++)
                    {
                        Assert.True(
                            Math.Abs(expected[i] - output[i]) <= tolerance,
                            $"head {headSize}, {queries} queries, positions {first}+{count}, cap {softCap}, element {i}: {expected[i]} {output[i]}");
                    }
                }
            }
        }
    }

    [Fact]
    public void AttendPage_GivesTheSameBits_OnBothSimdSets()
    {
        KernelSet avx2 = KernelSetCases.Get("avx2");
        KernelSet avx512 = KernelSetCases.Get("avx512");
        var random = new Random(42);
        foreach (int headSize in HeadSizes)
        {
            foreach (var (queries, first, count) in ((int, int, int)[])[(1, 0, 1), (7, 3, 90), (9, 0, 64)])
            {
                var c = new AttentionCase(random, headSize, queries, first, count);
                foreach (float softCap in (float[])[0f, 2f])
                {
                    Bits.AssertEqual(c.Attend(avx2, softCap), c.Attend(avx512, softCap), $"head {headSize}, {queries} queries");
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(KernelSetCases.Names), MemberType = typeof(KernelSetCases))]
    public void AttendPage_GivesAQueryTheSameBits_WhateverIsBesideIt(string kernels)
    {
        KernelSet set = KernelSetCases.Get(kernels);
        var random = new Random(43);
        foreach (int headSize in (int[])[16, 20, 64])
        {
            var c = new AttentionCase(random, headSize, queries: 7, first: 3, count: 61);
            float[] together = c.Attend(set, softCap: 0f);
            for (int query = 0; query < 7; query++)
            {
                float[] alone = c.Only(query).Attend(set, softCap: 0f);
                Bits.AssertEqual(together.AsSpan(query * headSize, headSize), alone, $"head {headSize}, query {query}");
            }
        }
    }

    [Theory]
    [MemberData(nameof(KernelSetCases.Names), MemberType = typeof(KernelSetCases))]
    public void AttendPage_NeverSeesWhatLiesOutside_EvenNotANumber(string kernels)
    {
        KernelSet set = KernelSetCases.Get(kernels);
        var c = new AttentionCase(new Random(44), headSize: 40, queries: 3, first: 4, count: 9);
        float[] expected = c.Attend(set, softCap: 0f);
        c.FillOutside(float.NaN);
        Bits.AssertEqual(expected, c.Attend(set, softCap: 0f), "NaN outside");
        c.FillOutside(float.PositiveInfinity);
        Bits.AssertEqual(expected, c.Attend(set, softCap: 0f), "infinity outside");
    }

    [Theory]
    [MemberData(nameof(KernelSetCases.Names), MemberType = typeof(KernelSetCases))]
    public void AttendPage_LeavesStateAndOutput_WhenEveryScoreIsMinusInfinity(string kernels)
    {
        KernelSet set = KernelSetCases.Get(kernels);
        float[] keys = new float[8 * Positions];
        Array.Fill(keys, float.NegativeInfinity);
        float[] queries = new float[16];
        Array.Fill(queries, 1f);
        queries.AsSpan(8).Fill(-1e-30f);
        queries.AsSpan(9).Clear();
        keys.AsSpan(Positions).Clear();
        SoftmaxState[] states = [SoftmaxState.Empty, SoftmaxState.Empty];
        float[] outputs = new float[16];
        float[] values = new float[8 * Positions];
        Array.Fill(values, 3f);

        // The first query has minus infinity everywhere, the second plus infinity: one leaves no trace, the other NaN.
        set.AttendPage(queries, keys, values, 0, 3, 1f, 0f, states, outputs, new float[2 * Positions]);
        Assert.Equal(SoftmaxState.Empty, states[0]);
        Assert.All(outputs[..8], value => Assert.Equal(0f, value));
        Assert.All(outputs[8..], value => Assert.True(float.IsNaN(value)));

        keys.AsSpan().Clear();
        states = [states[0]];
        set.AttendPage(queries.AsSpan(0, 8), keys, values, 0, 1, 1f, 0f, states, outputs.AsSpan(0, 8), new float[Positions]);
        set.FinishAttention(states[0], outputs.AsSpan(0, 8));
        Assert.All(outputs[..8], value => Assert.Equal(3f, value));
    }

    [Theory]
    [MemberData(nameof(KernelSetCases.Names), MemberType = typeof(KernelSetCases))]
    public void AttendPage_GivesNaN_WhenAScoreOfManyIsNaN(string kernels)
    {
        KernelSet set = KernelSetCases.Get(kernels);
        for (int bad = 0; bad < Positions; bad++)
        {
            float[] keys = new float[4 * Positions];
            keys[Positions + bad] = float.NaN;
            SoftmaxState[] states = [SoftmaxState.Empty];
            float[] output = new float[4];
            set.AttendPage([1, 1, 1, 1], keys, new float[4 * Positions], 0, Positions, 1f, 0f, states, output, new float[Positions]);
            set.FinishAttention(states[0], output);
            Assert.All(output, value => Assert.True(float.IsNaN(value), $"position {bad}"));
        }
    }

    [Theory]
    [MemberData(nameof(KernelSetCases.Names), MemberType = typeof(KernelSetCases))]
    public void AttendPage_StaysFinite_ForScoresThatOverflowAPlainExponential(string kernels)
    {
        KernelSet set = KernelSetCases.Get(kernels);
        float[] query = new float[16];
        Array.Fill(query, 100f);
        float[] keys = new float[16 * Positions];
        float[] values = new float[16 * Positions];
        for (int i = 0; i < 16; i++)
        {
            (keys[i * Positions], keys[(i * Positions) + 1]) = (100f, -100f);
        }

        values.AsSpan(0, 16).Fill(2f);
        values.AsSpan(16, 16).Fill(5f);
        SoftmaxState[] states = [SoftmaxState.Empty];
        float[] output = new float[16];
        set.AttendPage(query, keys, values, 0, 2, 1f, 0f, states, output, new float[Positions]);
        set.FinishAttention(states[0], output);
        Assert.All(output, value => Assert.Equal(2f, value));
    }

    [Theory]
    [MemberData(nameof(KernelSetCases.Names), MemberType = typeof(KernelSetCases))]
    public void MergeAttention_EqualsOneSoftmax_AndIgnoresEmptySides(string kernels)
    {
        KernelSet set = KernelSetCases.Get(kernels);
        SoftmaxState state = SoftmaxState.Empty;
        float[] output = [0, 0, 0];
        set.MergeAttention(SoftmaxState.Empty, [9, 9, 9], ref state, output);
        Assert.Equal(SoftmaxState.Empty, state);

        set.MergeAttention(new SoftmaxState(1f, 2f), [2, 4, 6], ref state, output);
        Assert.Equal(new SoftmaxState(1f, 2f), state);
        Assert.Equal([2f, 4f, 6f], output);

        set.MergeAttention(new SoftmaxState(3f, 1.5f), [3, 0, -3], ref state, output);
        Assert.Equal(3f, state.Maximum);
        double c = Math.Exp(-2);
        Assert.Equal((2 * c) + 1.5, state.Sum, 1e-6);
        Assert.Equal((2 * c) + 3, output[0], 1e-6);
        Assert.Equal((6 * c) - 3, output[2], 1e-6);

        set.MergeAttention(new SoftmaxState(-200f, 1f), [1000, 1000, 1000], ref state, output);
        Assert.Equal((2 * c) + 3, output[0], 1e-6);
    }

    [Theory]
    [MemberData(nameof(KernelSetCases.Names), MemberType = typeof(KernelSetCases))]
    public void AttendPage_Refuses_WrongLengths(string kernels)
    {
        KernelSet set = KernelSetCases.Get(kernels);
        Assert.Throws<ArgumentException>(() => Call(queries: 17));
        Assert.Throws<ArgumentException>(() => Call(keys: 8 * 31));
        Assert.Throws<ArgumentException>(() => Call(values: 7 * 32));
        Assert.Throws<ArgumentException>(() => Call(outputs: 15));
        Assert.Throws<ArgumentOutOfRangeException>(() => Call(scratch: 63));
        Assert.Throws<ArgumentOutOfRangeException>(() => Call(first: 3, limit: 3));
        Assert.Throws<ArgumentOutOfRangeException>(() => Call(first: -1));
        Assert.Throws<ArgumentOutOfRangeException>(() => Call(limit: 33));
        Assert.Throws<ArgumentOutOfRangeException>(() => Call(states: 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => Call(states: 33));
        Call();

        void Call(int queries = 16, int keys = 8 * 32, int values = 8 * 32, int outputs = 16, int scratch = 64, int first = 0, int limit = 32, int states = 2) =>
            set.AttendPage(new float[queries], new float[keys], new float[values], first, limit, 1f, 0f, new SoftmaxState[states], new float[outputs], new float[scratch]);
    }
}
