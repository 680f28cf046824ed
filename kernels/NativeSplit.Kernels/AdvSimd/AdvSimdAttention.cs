using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace NativeSplit.Kernels.AdvSimd;

/// <summary>Sums of attention over a page: lanes hold positions for scores, elements of a head for outputs.</summary>
/// <remarks>8 vectors are a page's positions, or 32 elements of a head. Two queries take 16 accumulators of the 32 registers.</remarks>
internal static unsafe class AdvSimdAttention
{
    /// <summary>Queries of a tile.</summary>
    public const int TileQueries = 2;

    private const int Positions = KeyValuePage.Positions;
    private const int Lanes = 4;

    /// <summary>Inner products of 2 queries with all positions.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void ScoreTile(float* query, float* keys, int headSize, float* scores)
    {
        Vector128<float> a0 = default, a1 = default, a2 = default, a3 = default;
        Vector128<float> a4 = default, a5 = default, a6 = default, a7 = default;
        Vector128<float> b0 = default, b1 = default, b2 = default, b3 = default;
        Vector128<float> b4 = default, b5 = default, b6 = default, b7 = default;
        for (int i = 0; i < headSize; i++, keys += Positions)
        {
            Vector128<float> first = Vector128.Create(query[i]), second = Vector128.Create(query[headSize + i]);
            Vector128<float> key = Vector128.Load(keys);
            a0 = Vector128.FusedMultiplyAdd(first, key, a0);
            b0 = Vector128.FusedMultiplyAdd(second, key, b0);
            key = Vector128.Load(keys + Lanes);
            a1 = Vector128.FusedMultiplyAdd(first, key, a1);
            b1 = Vector128.FusedMultiplyAdd(second, key, b1);
            key = Vector128.Load(keys + (2 * Lanes));
            a2 = Vector128.FusedMultiplyAdd(first, key, a2);
            b2 = Vector128.FusedMultiplyAdd(second, key, b2);
            key = Vector128.Load(keys + (3 * Lanes));
            a3 = Vector128.FusedMultiplyAdd(first, key, a3);
            b3 = Vector128.FusedMultiplyAdd(second, key, b3);
            key = Vector128.Load(keys + (4 * Lanes));
            a4 = Vector128.FusedMultiplyAdd(first, key, a4);
            b4 = Vector128.FusedMultiplyAdd(second, key, b4);
            key = Vector128.Load(keys + (5 * Lanes));
            a5 = Vector128.FusedMultiplyAdd(first, key, a5);
            b5 = Vector128.FusedMultiplyAdd(second, key, b5);
            key = Vector128.Load(keys + (6 * Lanes));
            a6 = Vector128.FusedMultiplyAdd(first, key, a6);
            b6 = Vector128.FusedMultiplyAdd(second, key, b6);
            key = Vector128.Load(keys + (7 * Lanes));
            a7 = Vector128.FusedMultiplyAdd(first, key, a7);
            b7 = Vector128.FusedMultiplyAdd(second, key, b7);
        }

        Store(a0, a1, a2, a3, scores);
        Store(a4, a5, a6, a7, scores + (4 * Lanes));
        Store(b0, b1, b2, b3, scores + Positions);
        Store(b4, b5, b6, b7, scores + Positions + (4 * Lanes));
    }

    /// <summary>Inner products of one query with all positions.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void ScoreOne(float* query, float* keys, int headSize, float* scores)
    {
        Vector128<float> a0 = default, a1 = default, a2 = default, a3 = default;
        Vector128<float> a4 = default, a5 = default, a6 = default, a7 = default;
        for (int i = 0; i < headSize; i++, keys += Positions)
        {
            Vector128<float> element = Vector128.Create(query[i]);
            a0 = Vector128.FusedMultiplyAdd(element, Vector128.Load(keys), a0);
            a1 = Vector128.FusedMultiplyAdd(element, Vector128.Load(keys + Lanes), a1);
            a2 = Vector128.FusedMultiplyAdd(element, Vector128.Load(keys + (2 * Lanes)), a2);
            a3 = Vector128.FusedMultiplyAdd(element, Vector128.Load(keys + (3 * Lanes)), a3);
            a4 = Vector128.FusedMultiplyAdd(element, Vector128.Load(keys + (4 * Lanes)), a4);
            a5 = Vector128.FusedMultiplyAdd(element, Vector128.Load(keys + (5 * Lanes)), a5);
            a6 = Vector128.FusedMultiplyAdd(element, Vector128.Load(keys + (6 * Lanes)), a6);
            a7 = Vector128.FusedMultiplyAdd(element, Vector128.Load(keys + (7 * Lanes)), a7);
        }

        Store(a0, a1, a2, a3, scores);
        Store(a4, a5, a6, a7, scores + (4 * Lanes));
    }

    /// <summary><c>output[i] = output[i]·correction + Σ_j weights[j]·values[j, i]</c> for 2 queries, positions in ascending order.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AddTile(float* weights, float* corrections, float* values, int first, int limit, int headSize, float* output)
    {
        int i = 0;
        for (; i + (8 * Lanes) <= headSize; i += 8 * Lanes)
        {
            float* o0 = output + i;
            float* o1 = output + headSize + i;
            Vector128<float> factor = Vector128.Create(corrections[0]);
            Vector128<float> a0 = Vector128.Load(o0) * factor, a1 = Vector128.Load(o0 + Lanes) * factor;
            Vector128<float> a2 = Vector128.Load(o0 + (2 * Lanes)) * factor, a3 = Vector128.Load(o0 + (3 * Lanes)) * factor;
            Vector128<float> a4 = Vector128.Load(o0 + (4 * Lanes)) * factor, a5 = Vector128.Load(o0 + (5 * Lanes)) * factor;
            Vector128<float> a6 = Vector128.Load(o0 + (6 * Lanes)) * factor, a7 = Vector128.Load(o0 + (7 * Lanes)) * factor;
            factor = Vector128.Create(corrections[1]);
            Vector128<float> b0 = Vector128.Load(o1) * factor, b1 = Vector128.Load(o1 + Lanes) * factor;
            Vector128<float> b2 = Vector128.Load(o1 + (2 * Lanes)) * factor, b3 = Vector128.Load(o1 + (3 * Lanes)) * factor;
            Vector128<float> b4 = Vector128.Load(o1 + (4 * Lanes)) * factor, b5 = Vector128.Load(o1 + (5 * Lanes)) * factor;
            Vector128<float> b6 = Vector128.Load(o1 + (6 * Lanes)) * factor, b7 = Vector128.Load(o1 + (7 * Lanes)) * factor;
            float* v = values + ((nint)first * headSize) + i;
            for (int j = first; j < limit; j++, v += headSize)
            {
                Vector128<float> weight = Vector128.Create(weights[j]), second = Vector128.Create(weights[Positions + j]);
                Vector128<float> value = Vector128.Load(v);
                a0 = Vector128.FusedMultiplyAdd(weight, value, a0);
                b0 = Vector128.FusedMultiplyAdd(second, value, b0);
                value = Vector128.Load(v + Lanes);
                a1 = Vector128.FusedMultiplyAdd(weight, value, a1);
                b1 = Vector128.FusedMultiplyAdd(second, value, b1);
                value = Vector128.Load(v + (2 * Lanes));
                a2 = Vector128.FusedMultiplyAdd(weight, value, a2);
                b2 = Vector128.FusedMultiplyAdd(second, value, b2);
                value = Vector128.Load(v + (3 * Lanes));
                a3 = Vector128.FusedMultiplyAdd(weight, value, a3);
                b3 = Vector128.FusedMultiplyAdd(second, value, b3);
                value = Vector128.Load(v + (4 * Lanes));
                a4 = Vector128.FusedMultiplyAdd(weight, value, a4);
                b4 = Vector128.FusedMultiplyAdd(second, value, b4);
                value = Vector128.Load(v + (5 * Lanes));
                a5 = Vector128.FusedMultiplyAdd(weight, value, a5);
                b5 = Vector128.FusedMultiplyAdd(second, value, b5);
                value = Vector128.Load(v + (6 * Lanes));
                a6 = Vector128.FusedMultiplyAdd(weight, value, a6);
                b6 = Vector128.FusedMultiplyAdd(second, value, b6);
                value = Vector128.Load(v + (7 * Lanes));
                a7 = Vector128.FusedMultiplyAdd(weight, value, a7);
                b7 = Vector128.FusedMultiplyAdd(second, value, b7);
            }

            Store(a0, a1, a2, a3, o0);
            Store(a4, a5, a6, a7, o0 + (4 * Lanes));
            Store(b0, b1, b2, b3, o1);
            Store(b4, b5, b6, b7, o1 + (4 * Lanes));
        }

        for (int query = 0; i < headSize && query < TileQueries; query++)
        {
            AddRest(weights + (query * Positions), corrections[query], values, first, limit, headSize, i, output + ((nint)query * headSize));
        }
    }

    /// <summary>As <see cref="AddTile"/> for one query.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AddOne(float* weights, float correction, float* values, int first, int limit, int headSize, float* output)
    {
        int i = 0;
        for (; i + (8 * Lanes) <= headSize; i += 8 * Lanes)
        {
            float* o0 = output + i;
            Vector128<float> factor = Vector128.Create(correction);
            Vector128<float> a0 = Vector128.Load(o0) * factor, a1 = Vector128.Load(o0 + Lanes) * factor;
            Vector128<float> a2 = Vector128.Load(o0 + (2 * Lanes)) * factor, a3 = Vector128.Load(o0 + (3 * Lanes)) * factor;
            Vector128<float> a4 = Vector128.Load(o0 + (4 * Lanes)) * factor, a5 = Vector128.Load(o0 + (5 * Lanes)) * factor;
            Vector128<float> a6 = Vector128.Load(o0 + (6 * Lanes)) * factor, a7 = Vector128.Load(o0 + (7 * Lanes)) * factor;
            float* v = values + ((nint)first * headSize) + i;
            for (int j = first; j < limit; j++, v += headSize)
            {
                Vector128<float> weight = Vector128.Create(weights[j]);
                a0 = Vector128.FusedMultiplyAdd(weight, Vector128.Load(v), a0);
                a1 = Vector128.FusedMultiplyAdd(weight, Vector128.Load(v + Lanes), a1);
                a2 = Vector128.FusedMultiplyAdd(weight, Vector128.Load(v + (2 * Lanes)), a2);
                a3 = Vector128.FusedMultiplyAdd(weight, Vector128.Load(v + (3 * Lanes)), a3);
                a4 = Vector128.FusedMultiplyAdd(weight, Vector128.Load(v + (4 * Lanes)), a4);
                a5 = Vector128.FusedMultiplyAdd(weight, Vector128.Load(v + (5 * Lanes)), a5);
                a6 = Vector128.FusedMultiplyAdd(weight, Vector128.Load(v + (6 * Lanes)), a6);
                a7 = Vector128.FusedMultiplyAdd(weight, Vector128.Load(v + (7 * Lanes)), a7);
            }

            Store(a0, a1, a2, a3, o0);
            Store(a4, a5, a6, a7, o0 + (4 * Lanes));
        }

        AddRest(weights, correction, values, first, limit, headSize, i, output);
    }

    /// <summary>As <see cref="AddOne"/> for elements from <paramref name="i"/>: less than 32 are left.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddRest(float* weights, float correction, float* values, int first, int limit, int headSize, int i, float* output)
    {
        Vector128<float> factor = Vector128.Create(correction);
        for (; i + Lanes <= headSize; i += Lanes)
        {
            Vector128<float> sum = Vector128.Load(output + i) * factor;
            for (int j = first; j < limit; j++)
            {
                sum = Vector128.FusedMultiplyAdd(Vector128.Create(weights[j]), Vector128.Load(values + ((nint)j * headSize) + i), sum);
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

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(Vector128<float> v0, Vector128<float> v1, Vector128<float> v2, Vector128<float> v3, float* target)
    {
        v0.Store(target);
        v1.Store(target + Lanes);
        v2.Store(target + (2 * Lanes));
        v3.Store(target + (3 * Lanes));
    }
}
