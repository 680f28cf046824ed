using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace NativeSplit.Kernels.Avx512;

/// <content>Attention over a page: lanes hold positions for scores, elements of a head for outputs.</content>
internal sealed unsafe partial class Avx512Kernels
{
    private const int Positions = KeyValuePage.Positions;

    /// <summary>Queries whose accumulators fit the registers together: 4 × 2 of them.</summary>
    private const int TileQueries = 4;

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
    protected override float ExpCore(float x) => Avx512Exp.Exp(Vector512.Create(x)).ToScalar();

    /// <summary>Inner products of 4 queries with all positions.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ScoreTile(float* query, float* keys, int headSize, float* scores)
    {
        Vector512<float> a0 = default, a1 = default;
        Vector512<float> b0 = default, b1 = default;
        Vector512<float> c0 = default, c1 = default;
        Vector512<float> d0 = default, d1 = default;
        for (int i = 0; i < headSize; i++, keys += Positions)
        {
            Vector512<float> k0 = Vector512.Load(keys);
            Vector512<float> k1 = Vector512.Load(keys + Lanes);
            Vector512<float> element = Vector512.Create(query[i]);
            a0 = Vector512.FusedMultiplyAdd(element, k0, a0);
            a1 = Vector512.FusedMultiplyAdd(element, k1, a1);
            element = Vector512.Create(query[headSize + i]);
            b0 = Vector512.FusedMultiplyAdd(element, k0, b0);
            b1 = Vector512.FusedMultiplyAdd(element, k1, b1);
            element = Vector512.Create(query[(2 * headSize) + i]);
            c0 = Vector512.FusedMultiplyAdd(element, k0, c0);
            c1 = Vector512.FusedMultiplyAdd(element, k1, c1);
            element = Vector512.Create(query[(3 * headSize) + i]);
            d0 = Vector512.FusedMultiplyAdd(element, k0, d0);
            d1 = Vector512.FusedMultiplyAdd(element, k1, d1);
        }

        a0.Store(scores);
        a1.Store(scores + Lanes);
        b0.Store(scores + Positions);
        b1.Store(scores + Positions + Lanes);
        c0.Store(scores + (2 * Positions));
        c1.Store(scores + (2 * Positions) + Lanes);
        d0.Store(scores + (3 * Positions));
        d1.Store(scores + (3 * Positions) + Lanes);
    }

    /// <summary>Inner products of one query with all positions.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ScoreOne(float* query, float* keys, int headSize, float* scores)
    {
        Vector512<float> a0 = default, a1 = default;
        for (int i = 0; i < headSize; i++, keys += Positions)
        {
            Vector512<float> k0 = Vector512.Load(keys);
            Vector512<float> k1 = Vector512.Load(keys + Lanes);
            Vector512<float> element = Vector512.Create(query[i]);
            a0 = Vector512.FusedMultiplyAdd(element, k0, a0);
            a1 = Vector512.FusedMultiplyAdd(element, k1, a1);
        }

        a0.Store(scores);
        a1.Store(scores + Lanes);
    }

    /// <summary>Inner products to weights <c>exp(score − maximum)</c>, 0 outside of the positions read; the state goes on.</summary>
    /// <returns>What the output so far is to be multiplied by.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Weigh(float* scores, int first, int limit, float scale, float softCap, ref SoftmaxState state)
    {
        Vector512<float> factor = Vector512.Create(scale);
        Vector512<float> s0 = Vector512.Load(scores) * factor;
        Vector512<float> s1 = Vector512.Load(scores + Lanes) * factor;
        if (softCap > 0)
        {
            Vector512<float> cap = Vector512.Create(softCap);
            s0 = SoftCap(cap, s0);
            s1 = SoftCap(cap, s1);
        }

        if (limit - first < Positions)
        {
            s0 = Mask(s0, 0, first, limit);
            s1 = Mask(s1, Lanes, first, limit);
        }

        float maximum = MathF.Max(state.Maximum, Greatest(Vector512.Max(s0, s1)));
        if (float.IsNegativeInfinity(maximum))
        {
            return 1f;
        }

        Vector512<float> shift = Vector512.Create(maximum);
        s0 = Avx512Exp.Exp(s0 - shift);
        s1 = Avx512Exp.Exp(s1 - shift);
        s0.Store(scores);
        s1.Store(scores + Lanes);
        float correction = Avx512Exp.Exp(Vector512.Create(state.Maximum - maximum)).ToScalar();
        state = new SoftmaxState(maximum, (state.Sum * correction) + Simd.Folding.Fold(s0 + s1));
        return correction;
    }

    private static Vector512<float> Mask(Vector512<float> scores, int start, int first, int limit)
    {
        Vector512<int> position = Vector512<int>.Indices + Vector512.Create(start);
        Vector512<int> inside = Vector512.GreaterThanOrEqual(position, Vector512.Create(first)) & Vector512.LessThan(position, Vector512.Create(limit));
        return Vector512.ConditionalSelect(inside.AsSingle(), scores, Vector512.Create(float.NegativeInfinity));
    }

    private static float Greatest(Vector512<float> scores)
    {
        Vector256<float> eight = Vector256.Max(scores.GetLower(), scores.GetUpper());
        Vector128<float> four = Vector128.Max(eight.GetLower(), eight.GetUpper());
        Vector128<float> two = Vector128.Max(four, Vector128.Shuffle(four, Vector128.Create(2, 3, 2, 3)));
        return MathF.Max(two.ToScalar(), two.GetElement(1));
    }

    /// <summary><c>output[i] = output[i]·correction + Σ_j weights[j]·values[j, i]</c> for 4 queries, positions in ascending order.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddTile(float* weights, float* corrections, float* values, int first, int limit, int headSize, float* output)
    {
        int i = 0;
        for (; i + Positions <= headSize; i += Positions)
        {
            float* o0 = output + i;
            float* o1 = output + headSize + i;
            float* o2 = output + (2 * headSize) + i;
            float* o3 = output + (3 * headSize) + i;
            Vector512<float> factor = Vector512.Create(corrections[0]);
            Vector512<float> a0 = Vector512.Load(o0) * factor;
            Vector512<float> a1 = Vector512.Load(o0 + Lanes) * factor;
            factor = Vector512.Create(corrections[1]);
            Vector512<float> b0 = Vector512.Load(o1) * factor;
            Vector512<float> b1 = Vector512.Load(o1 + Lanes) * factor;
            factor = Vector512.Create(corrections[2]);
            Vector512<float> c0 = Vector512.Load(o2) * factor;
            Vector512<float> c1 = Vector512.Load(o2 + Lanes) * factor;
            factor = Vector512.Create(corrections[3]);
            Vector512<float> d0 = Vector512.Load(o3) * factor;
            Vector512<float> d1 = Vector512.Load(o3 + Lanes) * factor;
            float* v = values + ((nint)first * headSize) + i;
            for (int j = first; j < limit; j++, v += headSize)
            {
                Vector512<float> v0 = Vector512.Load(v);
                Vector512<float> v1 = Vector512.Load(v + Lanes);
                Vector512<float> weight = Vector512.Create(weights[j]);
                a0 = Vector512.FusedMultiplyAdd(weight, v0, a0);
                a1 = Vector512.FusedMultiplyAdd(weight, v1, a1);
                weight = Vector512.Create(weights[Positions + j]);
                b0 = Vector512.FusedMultiplyAdd(weight, v0, b0);
                b1 = Vector512.FusedMultiplyAdd(weight, v1, b1);
                weight = Vector512.Create(weights[(2 * Positions) + j]);
                c0 = Vector512.FusedMultiplyAdd(weight, v0, c0);
                c1 = Vector512.FusedMultiplyAdd(weight, v1, c1);
                weight = Vector512.Create(weights[(3 * Positions) + j]);
                d0 = Vector512.FusedMultiplyAdd(weight, v0, d0);
                d1 = Vector512.FusedMultiplyAdd(weight, v1, d1);
            }

            a0.Store(o0);
            a1.Store(o0 + Lanes);
            b0.Store(o1);
            b1.Store(o1 + Lanes);
            c0.Store(o2);
            c1.Store(o2 + Lanes);
            d0.Store(o3);
            d1.Store(o3 + Lanes);
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
            Vector512<float> factor = Vector512.Create(correction);
            Vector512<float> a0 = Vector512.Load(o0) * factor;
            Vector512<float> a1 = Vector512.Load(o0 + Lanes) * factor;
            float* v = values + ((nint)first * headSize) + i;
            for (int j = first; j < limit; j++, v += headSize)
            {
                Vector512<float> v0 = Vector512.Load(v);
                Vector512<float> v1 = Vector512.Load(v + Lanes);
                Vector512<float> weight = Vector512.Create(weights[j]);
                a0 = Vector512.FusedMultiplyAdd(weight, v0, a0);
                a1 = Vector512.FusedMultiplyAdd(weight, v1, a1);
            }

            a0.Store(o0);
            a1.Store(o0 + Lanes);
        }

        AddRest(weights, correction, values, first, limit, headSize, i, output);
    }

    /// <summary>As <see cref="AddOne"/> for elements from <paramref name="i"/>: less than 32 are left.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddRest(float* weights, float correction, float* values, int first, int limit, int headSize, int i, float* output)
    {
        Vector512<float> factor = Vector512.Create(correction);
        for (; i + Lanes <= headSize; i += Lanes)
        {
            Vector512<float> sum = Vector512.Load(output + i) * factor;
            for (int j = first; j < limit; j++)
            {
                sum = Vector512.FusedMultiplyAdd(Vector512.Create(weights[j]), Vector512.Load(values + ((nint)j * headSize) + i), sum);
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
