using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace NativeSplit.Kernels.Avx2;

/// <content>Attention over a page: lanes hold positions for scores, elements of a head for outputs.</content>
internal sealed unsafe partial class Avx2Kernels
{
    private const int Positions = KeyValuePage.Positions;

    /// <summary>Queries whose accumulators fit the registers together: 2 × 4 of them.</summary>
    private const int TileQueries = 2;

    /// <inheritdoc/>
    protected override void AttendPageCore(ReadOnlySpan<float> queries, ReadOnlySpan<float> keys, ReadOnlySpan<float> values, int first, int limit, float scale, float softCap, Span<SoftmaxState> states, Span<float> outputs, Span<float> scratch)
    {
        int count = states.Length;
        int headSize = outputs.Length / count;
        float* corrections = stackalloc float[KeyValuePage.MaxQueries];
        fixed (float* pq = queries, pk = keys, pv = values, po = outputs, scores = scratch)
        {
            int i = 0;
            for (; i + TileQueries <= count; i += TileQueries)
            {
                ScoreTile(pq + ((nint)i * headSize), pk, headSize, scores + (i * Positions));
            }

            for (; i < count; i++)
            {
                ScoreOne(pq + ((nint)i * headSize), pk, headSize, scores + (i * Positions));
            }

            int seen = 0;
            for (i = 0; i < count; i++)
            {
                corrections[i] = Weigh(scores + (i * Positions), first, limit, scale, softCap, ref states[i]);
                seen += float.IsNegativeInfinity(states[i].Maximum) ? 0 : 1;
            }

            i = 0;
            for (; seen == count && i + TileQueries <= count; i += TileQueries)
            {
                AddTile(scores + (i * Positions), corrections + i, pv, first, limit, headSize, po + ((nint)i * headSize));
            }

            for (; i < count; i++)
            {
                if (!float.IsNegativeInfinity(states[i].Maximum))
                {
                    AddOne(scores + (i * Positions), corrections[i], pv, first, limit, headSize, po + ((nint)i * headSize));
                }
            }
        }
    }

    /// <inheritdoc/>
    protected override float ExpCore(float x) => Avx2Exp.Exp(Vector256.Create(x)).ToScalar();

    /// <summary>Inner products of 2 queries with all positions.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ScoreTile(float* query, float* keys, int headSize, float* scores)
    {
        Vector256<float> a0 = default, a1 = default, a2 = default, a3 = default;
        Vector256<float> b0 = default, b1 = default, b2 = default, b3 = default;
        for (int i = 0; i < headSize; i++, keys += Positions)
        {
            Vector256<float> k0 = Vector256.Load(keys);
            Vector256<float> k1 = Vector256.Load(keys + Lanes);
            Vector256<float> k2 = Vector256.Load(keys + (2 * Lanes));
            Vector256<float> k3 = Vector256.Load(keys + (3 * Lanes));
            Vector256<float> element = Vector256.Create(query[i]);
            a0 = Fma.MultiplyAdd(element, k0, a0);
            a1 = Fma.MultiplyAdd(element, k1, a1);
            a2 = Fma.MultiplyAdd(element, k2, a2);
            a3 = Fma.MultiplyAdd(element, k3, a3);
            element = Vector256.Create(query[headSize + i]);
            b0 = Fma.MultiplyAdd(element, k0, b0);
            b1 = Fma.MultiplyAdd(element, k1, b1);
            b2 = Fma.MultiplyAdd(element, k2, b2);
            b3 = Fma.MultiplyAdd(element, k3, b3);
        }

        a0.Store(scores);
        a1.Store(scores + Lanes);
        a2.Store(scores + (2 * Lanes));
        a3.Store(scores + (3 * Lanes));
        b0.Store(scores + Positions);
        b1.Store(scores + Positions + Lanes);
        b2.Store(scores + Positions + (2 * Lanes));
        b3.Store(scores + Positions + (3 * Lanes));
    }

    /// <summary>Inner products of one query with all positions.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ScoreOne(float* query, float* keys, int headSize, float* scores)
    {
        Vector256<float> a0 = default, a1 = default, a2 = default, a3 = default;
        for (int i = 0; i < headSize; i++, keys += Positions)
        {
            Vector256<float> k0 = Vector256.Load(keys);
            Vector256<float> k1 = Vector256.Load(keys + Lanes);
            Vector256<float> k2 = Vector256.Load(keys + (2 * Lanes));
            Vector256<float> k3 = Vector256.Load(keys + (3 * Lanes));
            Vector256<float> element = Vector256.Create(query[i]);
            a0 = Fma.MultiplyAdd(element, k0, a0);
            a1 = Fma.MultiplyAdd(element, k1, a1);
            a2 = Fma.MultiplyAdd(element, k2, a2);
            a3 = Fma.MultiplyAdd(element, k3, a3);
        }

        a0.Store(scores);
        a1.Store(scores + Lanes);
        a2.Store(scores + (2 * Lanes));
        a3.Store(scores + (3 * Lanes));
    }

    /// <summary>Inner products to weights <c>exp(score − maximum)</c>, 0 outside of the positions read; the state goes on.</summary>
    /// <returns>What the output so far is to be multiplied by.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Weigh(float* scores, int first, int limit, float scale, float softCap, ref SoftmaxState state)
    {
        Vector256<float> factor = Vector256.Create(scale);
        Vector256<float> s0 = Vector256.Load(scores) * factor;
        Vector256<float> s1 = Vector256.Load(scores + Lanes) * factor;
        Vector256<float> s2 = Vector256.Load(scores + (2 * Lanes)) * factor;
        Vector256<float> s3 = Vector256.Load(scores + (3 * Lanes)) * factor;
        if (softCap > 0)
        {
            Vector256<float> cap = Vector256.Create(softCap);
            s0 = SoftCap(cap, s0);
            s1 = SoftCap(cap, s1);
            s2 = SoftCap(cap, s2);
            s3 = SoftCap(cap, s3);
        }

        if (limit - first < Positions)
        {
            s0 = Mask(s0, 0, first, limit);
            s1 = Mask(s1, Lanes, first, limit);
            s2 = Mask(s2, 2 * Lanes, first, limit);
            s3 = Mask(s3, 3 * Lanes, first, limit);
        }

        float maximum = MathF.Max(state.Maximum, Greatest(Vector256.Max(Vector256.Max(s0, s1), Vector256.Max(s2, s3))));
        if (float.IsNegativeInfinity(maximum))
        {
            return 1f;
        }

        Vector256<float> shift = Vector256.Create(maximum);
        s0 = Avx2Exp.Exp(s0 - shift);
        s1 = Avx2Exp.Exp(s1 - shift);
        s2 = Avx2Exp.Exp(s2 - shift);
        s3 = Avx2Exp.Exp(s3 - shift);
        s0.Store(scores);
        s1.Store(scores + Lanes);
        s2.Store(scores + (2 * Lanes));
        s3.Store(scores + (3 * Lanes));
        float correction = Avx2Exp.Exp(Vector256.Create(state.Maximum - maximum)).ToScalar();
        state = new SoftmaxState(maximum, (state.Sum * correction) + Avx2Dot.Fold(s0 + s2, s1 + s3));
        return correction;
    }

    private static Vector256<float> Mask(Vector256<float> scores, int start, int first, int limit)
    {
        Vector256<int> position = Vector256<int>.Indices + Vector256.Create(start);
        Vector256<int> inside = Vector256.GreaterThanOrEqual(position, Vector256.Create(first)) & Vector256.LessThan(position, Vector256.Create(limit));
        return Vector256.ConditionalSelect(inside.AsSingle(), scores, Vector256.Create(float.NegativeInfinity));
    }

    private static float Greatest(Vector256<float> scores)
    {
        Vector128<float> four = Vector128.Max(scores.GetLower(), scores.GetUpper());
        Vector128<float> two = Vector128.Max(four, Vector128.Shuffle(four, Vector128.Create(2, 3, 2, 3)));
        return MathF.Max(two.ToScalar(), two.GetElement(1));
    }

    /// <summary><c>output[i] = output[i]·correction + Σ_j weights[j]·values[j, i]</c> for 2 queries, positions in ascending order.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddTile(float* weights, float* corrections, float* values, int first, int limit, int headSize, float* output)
    {
        int i = 0;
        for (; i + Positions <= headSize; i += Positions)
        {
            float* o0 = output + i;
            float* o1 = output + headSize + i;
            Vector256<float> factor = Vector256.Create(corrections[0]);
            Vector256<float> a0 = Vector256.Load(o0) * factor;
            Vector256<float> a1 = Vector256.Load(o0 + Lanes) * factor;
            Vector256<float> a2 = Vector256.Load(o0 + (2 * Lanes)) * factor;
            Vector256<float> a3 = Vector256.Load(o0 + (3 * Lanes)) * factor;
            factor = Vector256.Create(corrections[1]);
            Vector256<float> b0 = Vector256.Load(o1) * factor;
            Vector256<float> b1 = Vector256.Load(o1 + Lanes) * factor;
            Vector256<float> b2 = Vector256.Load(o1 + (2 * Lanes)) * factor;
            Vector256<float> b3 = Vector256.Load(o1 + (3 * Lanes)) * factor;
            float* v = values + ((nint)first * headSize) + i;
            for (int j = first; j < limit; j++, v += headSize)
            {
                Vector256<float> v0 = Vector256.Load(v);
                Vector256<float> v1 = Vector256.Load(v + Lanes);
                Vector256<float> v2 = Vector256.Load(v + (2 * Lanes));
                Vector256<float> v3 = Vector256.Load(v + (3 * Lanes));
                Vector256<float> weight = Vector256.Create(weights[j]);
                a0 = Fma.MultiplyAdd(weight, v0, a0);
                a1 = Fma.MultiplyAdd(weight, v1, a1);
                a2 = Fma.MultiplyAdd(weight, v2, a2);
                a3 = Fma.MultiplyAdd(weight, v3, a3);
                weight = Vector256.Create(weights[Positions + j]);
                b0 = Fma.MultiplyAdd(weight, v0, b0);
                b1 = Fma.MultiplyAdd(weight, v1, b1);
                b2 = Fma.MultiplyAdd(weight, v2, b2);
                b3 = Fma.MultiplyAdd(weight, v3, b3);
            }

            a0.Store(o0);
            a1.Store(o0 + Lanes);
            a2.Store(o0 + (2 * Lanes));
            a3.Store(o0 + (3 * Lanes));
            b0.Store(o1);
            b1.Store(o1 + Lanes);
            b2.Store(o1 + (2 * Lanes));
            b3.Store(o1 + (3 * Lanes));
        }

        for (int query = 0; i < headSize && query < TileQueries; query++)
        {
            AddRest(weights + (query * Positions), corrections[query], values, first, limit, headSize, i, output + ((nint)query * headSize));
        }
    }

    /// <summary>As <see cref="AddTile"/> for one query.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddOne(float* weights, float correction, float* values, int first, int limit, int headSize, float* output)
    {
        int i = 0;
        for (; i + Positions <= headSize; i += Positions)
        {
            float* o0 = output + i;
            Vector256<float> factor = Vector256.Create(correction);
            Vector256<float> a0 = Vector256.Load(o0) * factor;
            Vector256<float> a1 = Vector256.Load(o0 + Lanes) * factor;
            Vector256<float> a2 = Vector256.Load(o0 + (2 * Lanes)) * factor;
            Vector256<float> a3 = Vector256.Load(o0 + (3 * Lanes)) * factor;
            float* v = values + ((nint)first * headSize) + i;
            for (int j = first; j < limit; j++, v += headSize)
            {
                Vector256<float> v0 = Vector256.Load(v);
                Vector256<float> v1 = Vector256.Load(v + Lanes);
                Vector256<float> v2 = Vector256.Load(v + (2 * Lanes));
                Vector256<float> v3 = Vector256.Load(v + (3 * Lanes));
                Vector256<float> weight = Vector256.Create(weights[j]);
                a0 = Fma.MultiplyAdd(weight, v0, a0);
                a1 = Fma.MultiplyAdd(weight, v1, a1);
                a2 = Fma.MultiplyAdd(weight, v2, a2);
                a3 = Fma.MultiplyAdd(weight, v3, a3);
            }

            a0.Store(o0);
            a1.Store(o0 + Lanes);
            a2.Store(o0 + (2 * Lanes));
            a3.Store(o0 + (3 * Lanes));
        }

        AddRest(weights, correction, values, first, limit, headSize, i, output);
    }

    /// <summary>As <see cref="AddOne"/> for elements from <paramref name="i"/>: less than 32 are left.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddRest(float* weights, float correction, float* values, int first, int limit, int headSize, int i, float* output)
    {
        Vector256<float> factor = Vector256.Create(correction);
        for (; i + Lanes <= headSize; i += Lanes)
        {
            Vector256<float> sum = Vector256.Load(output + i) * factor;
            for (int j = first; j < limit; j++)
            {
                sum = Fma.MultiplyAdd(Vector256.Create(weights[j]), Vector256.Load(values + ((nint)j * headSize) + i), sum);
            }

            sum.Store(output + i);
        }

        for (; i < headSize; i++)
        {
            float sum = output[i] * correction;
            for (int j = first; j < limit; j++)
            {
                sum = MathF.FusedMultiplyAdd(weights[j], values[((nint)j * headSize) + i], sum);
            }

            output[i] = sum;
        }
    }
}
