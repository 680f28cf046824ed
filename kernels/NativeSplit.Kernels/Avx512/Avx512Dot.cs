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

    public static void Widen<TWeights>(byte* row, float* destination, int columns)
        where TWeights : struct, IStoredWeights
    {
        int groups = columns / Stripe;
        for (int group = 0; group < groups; group++, destination += Stripe)
        {
            TWeights.Load(row, group, out Vector512<float> w0, out Vector512<float> w1);
            w0.Store(destination);
            w1.Store(destination + 16);
        }

        for (int column = groups * Stripe; column < columns; column++)
        {
            *destination++ = TWeights.LoadOne(row, column);
        }
    }

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

    public static void Dot4(float* row, float* x, int columns, float* y, nint yStride)
    {
        float* x1 = x + columns;
        float* x2 = x1 + columns;
        float* x3 = x2 + columns;
        Vector512<float> a0 = default, a1 = default, a2 = default, a3 = default;
        Vector512<float> b0 = default, b1 = default, b2 = default, b3 = default;
        nint i = 0;
        for (; i + Stripe <= columns; i += Stripe)
        {
            Vector512<float> w = Vector512.Load(row + i);
            a0 = Vector512.FusedMultiplyAdd(w, Vector512.Load(x + i), a0);
            a1 = Vector512.FusedMultiplyAdd(w, Vector512.Load(x1 + i), a1);
            a2 = Vector512.FusedMultiplyAdd(w, Vector512.Load(x2 + i), a2);
            a3 = Vector512.FusedMultiplyAdd(w, Vector512.Load(x3 + i), a3);
            w = Vector512.Load(row + i + 16);
            b0 = Vector512.FusedMultiplyAdd(w, Vector512.Load(x + i + 16), b0);
            b1 = Vector512.FusedMultiplyAdd(w, Vector512.Load(x1 + i + 16), b1);
            b2 = Vector512.FusedMultiplyAdd(w, Vector512.Load(x2 + i + 16), b2);
            b3 = Vector512.FusedMultiplyAdd(w, Vector512.Load(x3 + i + 16), b3);
        }

        int rest = columns - (int)i;
        if (rest == 0)
        {
            y[0] = Folding.Fold(a0 + b0);
            y[yStride] = Folding.Fold(a1 + b1);
            y[2 * yStride] = Folding.Fold(a2 + b2);
            y[3 * yStride] = Folding.Fold(a3 + b3);
            return;
        }

        float* padded = stackalloc float[Stripe];
        new Span<float>(padded, Stripe).Clear();
        Unsafe.CopyBlockUnaligned(padded, row + i, (uint)rest * sizeof(float));
        y[0] = FoldWithTail(padded, x + i, rest, a0, b0);
        y[yStride] = FoldWithTail(padded, x1 + i, rest, a1, b1);
        y[2 * yStride] = FoldWithTail(padded, x2 + i, rest, a2, b2);
        y[3 * yStride] = FoldWithTail(padded, x3 + i, rest, a3, b3);
    }

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
