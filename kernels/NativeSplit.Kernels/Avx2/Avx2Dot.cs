using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using NativeSplit.Kernels.Simd;

namespace NativeSplit.Kernels.Avx2;

/// <summary>Inner products with AVX2 and FMA.</summary>
/// <remarks>
/// Partial sum <c>p</c> of <c>ScalarDot.Dot</c> is lane <c>p mod 8</c> of accumulator <c>p / 8</c>. Four accumulators hide
/// the latency of the multiply-add. Columns behind the last multiple of 32 go to the same lanes, padded with zeros.
/// </remarks>
internal readonly unsafe struct Avx2Dot : ISimdIsa
{
    private const int Stripe = 32;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Widen<TWeights>(byte* row, int firstGroup, int groups, float* destination)
        where TWeights : struct, IStoredWeights
    {
        for (int group = firstGroup; group < firstGroup + groups; group++, destination += Stripe)
        {
            TWeights.Load(row, group, out Vector256<float> w0, out Vector256<float> w1, out Vector256<float> w2, out Vector256<float> w3);
            w0.Store(destination);
            w1.Store(destination + 8);
            w2.Store(destination + 16);
            w3.Store(destination + 24);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Dot<TWeights>(byte* row, float* x, int columns)
        where TWeights : struct, IStoredWeights
    {
        Vector256<float> a0 = default, a1 = default, a2 = default, a3 = default;
        int groups = columns / Stripe;
        for (int group = 0; group < groups; group++, x += Stripe)
        {
            TWeights.Load(row, group, out Vector256<float> w0, out Vector256<float> w1, out Vector256<float> w2, out Vector256<float> w3);
            a0 = Fma.MultiplyAdd(w0, Vector256.Load(x), a0);
            a1 = Fma.MultiplyAdd(w1, Vector256.Load(x + 8), a1);
            a2 = Fma.MultiplyAdd(w2, Vector256.Load(x + 16), a2);
            a3 = Fma.MultiplyAdd(w3, Vector256.Load(x + 24), a3);
        }

        int rest = columns - (groups * Stripe);
        if (rest == 0)
        {
            return Fold(a0 + a2, a1 + a3);
        }

        float* padded = stackalloc float[Stripe];
        new Span<float>(padded, Stripe).Clear();
        for (int i = 0; i < rest; i++)
        {
            padded[i] = TWeights.LoadOne(row, (groups * Stripe) + i);
        }

        return FoldWithTail(padded, x, rest, a0, a1, a2, a3);
    }

    /// <remarks>
    /// Four passes, each with one accumulator of every pair: eight accumulators fit the 16 registers, 32 don't. The
    /// caller keeps the operands short enough for the first-level cache.
    /// </remarks>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Accumulate4(float* w0, float* w1, float* x, nint xStride, int groups, float* s0, float* s1)
    {
        nint end = (nint)groups * Stripe;
        for (int lane = 0; lane < Stripe; lane += 8)
        {
            Vector256<float> a0 = Vector256.Load(s0 + lane);
            Vector256<float> a1 = Vector256.Load(s0 + lane + Stripe);
            Vector256<float> a2 = Vector256.Load(s0 + lane + (2 * Stripe));
            Vector256<float> a3 = Vector256.Load(s0 + lane + (3 * Stripe));
            Vector256<float> b0 = Vector256.Load(s1 + lane);
            Vector256<float> b1 = Vector256.Load(s1 + lane + Stripe);
            Vector256<float> b2 = Vector256.Load(s1 + lane + (2 * Stripe));
            Vector256<float> b3 = Vector256.Load(s1 + lane + (3 * Stripe));
            float* x0 = x + lane;
            float* x1 = x0 + xStride;
            float* x2 = x1 + xStride;
            float* x3 = x2 + xStride;
            for (nint i = 0; i < end; i += Stripe)
            {
                Vector256<float> first = Vector256.Load(w0 + lane + i);
                Vector256<float> second = Vector256.Load(w1 + lane + i);
                Vector256<float> input = Vector256.Load(x0 + i);
                a0 = Fma.MultiplyAdd(first, input, a0);
                b0 = Fma.MultiplyAdd(second, input, b0);
                input = Vector256.Load(x1 + i);
                a1 = Fma.MultiplyAdd(first, input, a1);
                b1 = Fma.MultiplyAdd(second, input, b1);
                input = Vector256.Load(x2 + i);
                a2 = Fma.MultiplyAdd(first, input, a2);
                b2 = Fma.MultiplyAdd(second, input, b2);
                input = Vector256.Load(x3 + i);
                a3 = Fma.MultiplyAdd(first, input, a3);
                b3 = Fma.MultiplyAdd(second, input, b3);
            }

            a0.Store(s0 + lane);
            a1.Store(s0 + lane + Stripe);
            a2.Store(s0 + lane + (2 * Stripe));
            a3.Store(s0 + lane + (3 * Stripe));
            b0.Store(s1 + lane);
            b1.Store(s1 + lane + Stripe);
            b2.Store(s1 + lane + (2 * Stripe));
            b3.Store(s1 + lane + (3 * Stripe));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Accumulate1(float* w0, float* w1, float* x, int groups, float* s0, float* s1)
    {
        Vector256<float> a0 = Vector256.Load(s0), a1 = Vector256.Load(s0 + 8), a2 = Vector256.Load(s0 + 16), a3 = Vector256.Load(s0 + 24);
        Vector256<float> b0 = Vector256.Load(s1), b1 = Vector256.Load(s1 + 8), b2 = Vector256.Load(s1 + 16), b3 = Vector256.Load(s1 + 24);
        nint end = (nint)groups * Stripe;
        for (nint i = 0; i < end; i += Stripe)
        {
            Vector256<float> input = Vector256.Load(x + i);
            a0 = Fma.MultiplyAdd(Vector256.Load(w0 + i), input, a0);
            b0 = Fma.MultiplyAdd(Vector256.Load(w1 + i), input, b0);
            input = Vector256.Load(x + i + 8);
            a1 = Fma.MultiplyAdd(Vector256.Load(w0 + i + 8), input, a1);
            b1 = Fma.MultiplyAdd(Vector256.Load(w1 + i + 8), input, b1);
            input = Vector256.Load(x + i + 16);
            a2 = Fma.MultiplyAdd(Vector256.Load(w0 + i + 16), input, a2);
            b2 = Fma.MultiplyAdd(Vector256.Load(w1 + i + 16), input, b2);
            input = Vector256.Load(x + i + 24);
            a3 = Fma.MultiplyAdd(Vector256.Load(w0 + i + 24), input, a3);
            b3 = Fma.MultiplyAdd(Vector256.Load(w1 + i + 24), input, b3);
        }

        a0.Store(s0);
        a1.Store(s0 + 8);
        a2.Store(s0 + 16);
        a3.Store(s0 + 24);
        b0.Store(s1);
        b1.Store(s1 + 8);
        b2.Store(s1 + 16);
        b3.Store(s1 + 24);
    }

    public static float Fold(float* state) =>
        Fold(Vector256.Load(state) + Vector256.Load(state + 16), Vector256.Load(state + 8) + Vector256.Load(state + 24));

    /// <summary>Adds up to 31 further columns, then folds. <paramref name="w"/> is padded with zeros to 32.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static float FoldWithTail(float* w, float* x, int rest, Vector256<float> a0, Vector256<float> a1, Vector256<float> a2, Vector256<float> a3)
    {
        float* padded = stackalloc float[Stripe];
        new Span<float>(padded, Stripe).Clear();
        Unsafe.CopyBlockUnaligned(padded, x, (uint)rest * sizeof(float));
        a0 = Fma.MultiplyAdd(Vector256.Load(w), Vector256.Load(padded), a0);
        a1 = Fma.MultiplyAdd(Vector256.Load(w + 8), Vector256.Load(padded + 8), a1);
        a2 = Fma.MultiplyAdd(Vector256.Load(w + 16), Vector256.Load(padded + 16), a2);
        a3 = Fma.MultiplyAdd(Vector256.Load(w + 24), Vector256.Load(padded + 24), a3);
        return Fold(a0 + a2, a1 + a3);
    }

    /// <summary>Partial sums 0–15 to one: 16 + 16, 8 + 8, 4 + 4, 2 + 2, 1 + 1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static float Fold(Vector256<float> lower, Vector256<float> upper) => Folding.Fold(lower + upper);
}
