using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using NativeSplit.Kernels.Simd;

namespace NativeSplit.Kernels.AdvSimd;

/// <summary>Inner products with 128-bit vectors.</summary>
/// <remarks>
/// Partial sum <c>p</c> of <c>ScalarDot.Dot</c> is lane <c>p mod 4</c> of accumulator <c>p / 4</c>. Columns behind the last
/// multiple of 32 go to the same lanes, padded with zeros.
/// </remarks>
internal readonly unsafe struct AdvSimdDot : ISimdIsa
{
    private const int Stripe = 32;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Widen<TWeights>(byte* row, int firstGroup, int groups, float* destination)
        where TWeights : struct, IStoredWeights
    {
        for (int group = firstGroup; group < firstGroup + groups; group++, destination += Stripe)
        {
            TWeights.Load(row, group, out Vector256<float> w0, out Vector256<float> w1, out Vector256<float> w2, out Vector256<float> w3);
            w0.GetLower().Store(destination);
            w0.GetUpper().Store(destination + 4);
            w1.GetLower().Store(destination + 8);
            w1.GetUpper().Store(destination + 12);
            w2.GetLower().Store(destination + 16);
            w2.GetUpper().Store(destination + 20);
            w3.GetLower().Store(destination + 24);
            w3.GetUpper().Store(destination + 28);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Dot<TWeights>(byte* row, float* x, int columns)
        where TWeights : struct, IStoredWeights
    {
        Vector128<float> a0 = default, a1 = default, a2 = default, a3 = default, a4 = default, a5 = default, a6 = default, a7 = default;
        int groups = columns / Stripe;
        for (int group = 0; group < groups; group++, x += Stripe)
        {
            TWeights.Load(row, group, out Vector256<float> w0, out Vector256<float> w1, out Vector256<float> w2, out Vector256<float> w3);
            a0 = Vector128.FusedMultiplyAdd(w0.GetLower(), Vector128.Load(x), a0);
            a1 = Vector128.FusedMultiplyAdd(w0.GetUpper(), Vector128.Load(x + 4), a1);
            a2 = Vector128.FusedMultiplyAdd(w1.GetLower(), Vector128.Load(x + 8), a2);
            a3 = Vector128.FusedMultiplyAdd(w1.GetUpper(), Vector128.Load(x + 12), a3);
            a4 = Vector128.FusedMultiplyAdd(w2.GetLower(), Vector128.Load(x + 16), a4);
            a5 = Vector128.FusedMultiplyAdd(w2.GetUpper(), Vector128.Load(x + 20), a5);
            a6 = Vector128.FusedMultiplyAdd(w3.GetLower(), Vector128.Load(x + 24), a6);
            a7 = Vector128.FusedMultiplyAdd(w3.GetUpper(), Vector128.Load(x + 28), a7);
        }

        int rest = columns - (groups * Stripe);
        if (rest == 0)
        {
            return Fold(a0 + a4, a1 + a5, a2 + a6, a3 + a7);
        }

        float* state = stackalloc float[Stripe];
        a0.Store(state);
        a1.Store(state + 4);
        a2.Store(state + 8);
        a3.Store(state + 12);
        a4.Store(state + 16);
        a5.Store(state + 20);
        a6.Store(state + 24);
        a7.Store(state + 28);
        for (int i = 0; i < rest; i++)
        {
            state[i] = MathF.FusedMultiplyAdd(TWeights.LoadOne(row, (groups * Stripe) + i), x[i], state[i]);
        }

        return Fold(state);
    }

    /// <remarks>
    /// Four passes, each with two accumulators of every pair: sixteen accumulators and what they take fit the 32 registers.
    /// The caller keeps the operands short enough for the first-level cache.
    /// </remarks>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Accumulate4(float* w0, float* w1, float* x, nint xStride, int groups, float* s0, float* s1)
    {
        nint end = (nint)groups * Stripe;
        for (int lane = 0; lane < Stripe; lane += 8)
        {
            float* first = s0 + lane;
            float* second = s1 + lane;
            Vector128<float> a0 = Vector128.Load(first), a1 = Vector128.Load(first + Stripe);
            Vector128<float> a2 = Vector128.Load(first + (2 * Stripe)), a3 = Vector128.Load(first + (3 * Stripe));
            Vector128<float> b0 = Vector128.Load(second), b1 = Vector128.Load(second + Stripe);
            Vector128<float> b2 = Vector128.Load(second + (2 * Stripe)), b3 = Vector128.Load(second + (3 * Stripe));
            Vector128<float> c0 = Vector128.Load(first + 4), c1 = Vector128.Load(first + 4 + Stripe);
            Vector128<float> c2 = Vector128.Load(first + 4 + (2 * Stripe)), c3 = Vector128.Load(first + 4 + (3 * Stripe));
            Vector128<float> d0 = Vector128.Load(second + 4), d1 = Vector128.Load(second + 4 + Stripe);
            Vector128<float> d2 = Vector128.Load(second + 4 + (2 * Stripe)), d3 = Vector128.Load(second + 4 + (3 * Stripe));
            float* x0 = x + lane;
            float* x1 = x0 + xStride;
            float* x2 = x1 + xStride;
            float* x3 = x2 + xStride;
            for (nint i = 0; i < end; i += Stripe)
            {
                Vector128<float> a = Vector128.Load(w0 + lane + i), b = Vector128.Load(w1 + lane + i);
                Vector128<float> c = Vector128.Load(w0 + lane + i + 4), d = Vector128.Load(w1 + lane + i + 4);
                Vector128<float> lower = Vector128.Load(x0 + i), upper = Vector128.Load(x0 + i + 4);
                a0 = Vector128.FusedMultiplyAdd(a, lower, a0);
                b0 = Vector128.FusedMultiplyAdd(b, lower, b0);
                c0 = Vector128.FusedMultiplyAdd(c, upper, c0);
                d0 = Vector128.FusedMultiplyAdd(d, upper, d0);
                lower = Vector128.Load(x1 + i);
                upper = Vector128.Load(x1 + i + 4);
                a1 = Vector128.FusedMultiplyAdd(a, lower, a1);
                b1 = Vector128.FusedMultiplyAdd(b, lower, b1);
                c1 = Vector128.FusedMultiplyAdd(c, upper, c1);
                d1 = Vector128.FusedMultiplyAdd(d, upper, d1);
                lower = Vector128.Load(x2 + i);
                upper = Vector128.Load(x2 + i + 4);
                a2 = Vector128.FusedMultiplyAdd(a, lower, a2);
                b2 = Vector128.FusedMultiplyAdd(b, lower, b2);
                c2 = Vector128.FusedMultiplyAdd(c, upper, c2);
                d2 = Vector128.FusedMultiplyAdd(d, upper, d2);
                lower = Vector128.Load(x3 + i);
                upper = Vector128.Load(x3 + i + 4);
                a3 = Vector128.FusedMultiplyAdd(a, lower, a3);
                b3 = Vector128.FusedMultiplyAdd(b, lower, b3);
                c3 = Vector128.FusedMultiplyAdd(c, upper, c3);
                d3 = Vector128.FusedMultiplyAdd(d, upper, d3);
            }

            Store4(a0, a1, a2, a3, first);
            Store4(b0, b1, b2, b3, second);
            Store4(c0, c1, c2, c3, first + 4);
            Store4(d0, d1, d2, d3, second + 4);
        }
    }

    /// <remarks>Two passes, each with four accumulators of either row.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Accumulate1(float* w0, float* w1, float* x, int groups, float* s0, float* s1)
    {
        nint end = (nint)groups * Stripe;
        for (int lane = 0; lane < Stripe; lane += 16)
        {
            Vector128<float> a0 = Vector128.Load(s0 + lane), a1 = Vector128.Load(s0 + lane + 4);
            Vector128<float> a2 = Vector128.Load(s0 + lane + 8), a3 = Vector128.Load(s0 + lane + 12);
            Vector128<float> b0 = Vector128.Load(s1 + lane), b1 = Vector128.Load(s1 + lane + 4);
            Vector128<float> b2 = Vector128.Load(s1 + lane + 8), b3 = Vector128.Load(s1 + lane + 12);
            for (nint i = lane; i < end; i += Stripe)
            {
                Vector128<float> input = Vector128.Load(x + i);
                a0 = Vector128.FusedMultiplyAdd(Vector128.Load(w0 + i), input, a0);
                b0 = Vector128.FusedMultiplyAdd(Vector128.Load(w1 + i), input, b0);
                input = Vector128.Load(x + i + 4);
                a1 = Vector128.FusedMultiplyAdd(Vector128.Load(w0 + i + 4), input, a1);
                b1 = Vector128.FusedMultiplyAdd(Vector128.Load(w1 + i + 4), input, b1);
                input = Vector128.Load(x + i + 8);
                a2 = Vector128.FusedMultiplyAdd(Vector128.Load(w0 + i + 8), input, a2);
                b2 = Vector128.FusedMultiplyAdd(Vector128.Load(w1 + i + 8), input, b2);
                input = Vector128.Load(x + i + 12);
                a3 = Vector128.FusedMultiplyAdd(Vector128.Load(w0 + i + 12), input, a3);
                b3 = Vector128.FusedMultiplyAdd(Vector128.Load(w1 + i + 12), input, b3);
            }

            a0.Store(s0 + lane);
            a1.Store(s0 + lane + 4);
            a2.Store(s0 + lane + 8);
            a3.Store(s0 + lane + 12);
            b0.Store(s1 + lane);
            b1.Store(s1 + lane + 4);
            b2.Store(s1 + lane + 8);
            b3.Store(s1 + lane + 12);
        }
    }

    public static float Fold(float* state) => Fold(
        Vector128.Load(state) + Vector128.Load(state + 16),
        Vector128.Load(state + 4) + Vector128.Load(state + 20),
        Vector128.Load(state + 8) + Vector128.Load(state + 24),
        Vector128.Load(state + 12) + Vector128.Load(state + 28));

    /// <summary>Partial sums 0–15 to one: 8 + 8, 4 + 4, 2 + 2, 1 + 1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static float Fold(Vector128<float> a0, Vector128<float> a1, Vector128<float> a2, Vector128<float> a3) =>
        Folding.Fold((a0 + a2) + (a1 + a3));

    /// <summary>One vector to each of four states that lie one behind the other.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store4(Vector128<float> v0, Vector128<float> v1, Vector128<float> v2, Vector128<float> v3, float* states)
    {
        v0.Store(states);
        v1.Store(states + Stripe);
        v2.Store(states + (2 * Stripe));
        v3.Store(states + (3 * Stripe));
    }
}
