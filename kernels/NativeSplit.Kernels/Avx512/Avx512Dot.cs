using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using NativeSplit.Kernels.Simd;

namespace NativeSplit.Kernels.Avx512;

/// <summary>Inner products with 512-bit vectors.</summary>
/// <remarks>
/// Partial sum <c>p</c> of <c>ScalarDot.Dot</c> is lane <c>p mod 16</c> of accumulator <c>p / 16</c>. Columns behind the last
/// multiple of 32 go to the same lanes, padded with zeros. Written on portable vectors, so that the same code is
/// tested where the processor has no AVX-512.
/// </remarks>
internal readonly unsafe struct Avx512Dot : ISimdIsa
{
    private const int Stripe = 32;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Widen<TWeights>(byte* row, int firstGroup, int groups, float* destination)
        where TWeights : struct, IStoredWeights
    {
        for (int group = firstGroup; group < firstGroup + groups; group++, destination += Stripe)
        {
            TWeights.Load(row, group, out Vector512<float> w0, out Vector512<float> w1);
            w0.Store(destination);
            w1.Store(destination + 16);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Dot<TWeights>(byte* row, float* x, int columns)
        where TWeights : struct, IStoredWeights
    {
        Vector512<float> a0 = default, a1 = default;
        int groups = columns / Stripe;
        for (int group = 0; group < groups; group++, x += Stripe)
        {
            TWeights.Load(row, group, out Vector512<float> w0, out Vector512<float> w1);
            a0 = Vector512.FusedMultiplyAdd(w0, Vector512.Load(x), a0);
            a1 = Vector512.FusedMultiplyAdd(w1, Vector512.Load(x + 16), a1);
        }

        int rest = columns - (groups * Stripe);
        if (rest == 0)
        {
            return Folding.Fold(a0 + a1);
        }

        float* padded = stackalloc float[Stripe];
        new Span<float>(padded, Stripe).Clear();
        for (int i = 0; i < rest; i++)
        {
            padded[i] = TWeights.LoadOne(row, (groups * Stripe) + i);
        }

        return FoldWithTail(padded, x, rest, a0, a1);
    }

    /// <remarks>Two passes, each with one accumulator of every pair.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Accumulate4(float* w0, float* w1, float* x, nint xStride, int groups, float* s0, float* s1)
    {
        nint end = (nint)groups * Stripe;
        for (int lane = 0; lane < Stripe; lane += 16)
        {
            Vector512<float> a0 = Vector512.Load(s0 + lane);
            Vector512<float> a1 = Vector512.Load(s0 + lane + Stripe);
            Vector512<float> a2 = Vector512.Load(s0 + lane + (2 * Stripe));
            Vector512<float> a3 = Vector512.Load(s0 + lane + (3 * Stripe));
            Vector512<float> b0 = Vector512.Load(s1 + lane);
            Vector512<float> b1 = Vector512.Load(s1 + lane + Stripe);
            Vector512<float> b2 = Vector512.Load(s1 + lane + (2 * Stripe));
            Vector512<float> b3 = Vector512.Load(s1 + lane + (3 * Stripe));
            float* x0 = x + lane;
            float* x1 = x0 + xStride;
            float* x2 = x1 + xStride;
            float* x3 = x2 + xStride;
            for (nint i = 0; i < end; i += Stripe)
            {
                Vector512<float> first = Vector512.Load(w0 + lane + i);
                Vector512<float> second = Vector512.Load(w1 + lane + i);
                Vector512<float> input = Vector512.Load(x0 + i);
                a0 = Vector512.FusedMultiplyAdd(first, input, a0);
                b0 = Vector512.FusedMultiplyAdd(second, input, b0);
                input = Vector512.Load(x1 + i);
                a1 = Vector512.FusedMultiplyAdd(first, input, a1);
                b1 = Vector512.FusedMultiplyAdd(second, input, b1);
                input = Vector512.Load(x2 + i);
                a2 = Vector512.FusedMultiplyAdd(first, input, a2);
                b2 = Vector512.FusedMultiplyAdd(second, input, b2);
                input = Vector512.Load(x3 + i);
                a3 = Vector512.FusedMultiplyAdd(first, input, a3);
                b3 = Vector512.FusedMultiplyAdd(second, input, b3);
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
        Vector512<float> a0 = Vector512.Load(s0), a1 = Vector512.Load(s0 + 16);
        Vector512<float> b0 = Vector512.Load(s1), b1 = Vector512.Load(s1 + 16);
        nint end = (nint)groups * Stripe;
        for (nint i = 0; i < end; i += Stripe)
        {
            Vector512<float> input = Vector512.Load(x + i);
            a0 = Vector512.FusedMultiplyAdd(Vector512.Load(w0 + i), input, a0);
            b0 = Vector512.FusedMultiplyAdd(Vector512.Load(w1 + i), input, b0);
            input = Vector512.Load(x + i + 16);
            a1 = Vector512.FusedMultiplyAdd(Vector512.Load(w0 + i + 16), input, a1);
            b1 = Vector512.FusedMultiplyAdd(Vector512.Load(w1 + i + 16), input, b1);
        }

        a0.Store(s0);
        a1.Store(s0 + 16);
        b0.Store(s1);
        b1.Store(s1 + 16);
    }

    public static float Fold(float* state) => Folding.Fold(Vector512.Load(state) + Vector512.Load(state + 16));

    /// <summary>Adds up to 31 further columns, then folds. <paramref name="w"/> is padded with zeros to 32.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static float FoldWithTail(float* w, float* x, int rest, Vector512<float> a0, Vector512<float> a1)
    {
        float* padded = stackalloc float[Stripe];
        new Span<float>(padded, Stripe).Clear();
        Unsafe.CopyBlockUnaligned(padded, x, (uint)rest * sizeof(float));
        a0 = Vector512.FusedMultiplyAdd(Vector512.Load(w), Vector512.Load(padded), a0);
        a1 = Vector512.FusedMultiplyAdd(Vector512.Load(w + 16), Vector512.Load(padded + 16), a1);
        return Folding.Fold(a0 + a1);
    }
}
