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

    public static void Widen<TWeights>(byte* row, float* destination, int columns)
        where TWeights : struct, IStoredWeights
    {
        int groups = columns / Stripe;
        for (int group = 0; group < groups; group++, destination += Stripe)
        {
            TWeights.Load(row, group, out Vector256<float> w0, out Vector256<float> w1, out Vector256<float> w2, out Vector256<float> w3);
            w0.Store(destination);
            w1.Store(destination + 8);
            w2.Store(destination + 16);
            w3.Store(destination + 24);
        }

        for (int column = groups * Stripe; column < columns; column++)
        {
            *destination++ = TWeights.LoadOne(row, column);
        }
    }

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
    /// Two passes over the row, each with two of the four accumulators of every input: eight accumulators fit the 16
    /// registers, sixteen don't. A pass uses every other cache line, so nothing is loaded into the cache twice.
    /// </remarks>
    public static void Dot4(float* row, float* x, int columns, float* y, nint yStride)
    {
        float* x1 = x + columns;
        float* x2 = x1 + columns;
        float* x3 = x2 + columns;
        int groups = columns / Stripe;
        Halves(row, x, x1, x2, x3, groups, out V4 lower0, out V4 lower1);
        Halves(row + 16, x + 16, x1 + 16, x2 + 16, x3 + 16, groups, out V4 upper0, out V4 upper1);
        int done = groups * Stripe;
        if (done == columns)
        {
            y[0] = Fold(lower0.A + upper0.A, lower1.A + upper1.A);
            y[yStride] = Fold(lower0.B + upper0.B, lower1.B + upper1.B);
            y[2 * yStride] = Fold(lower0.C + upper0.C, lower1.C + upper1.C);
            y[3 * yStride] = Fold(lower0.D + upper0.D, lower1.D + upper1.D);
            return;
        }

        int rest = columns - done;
        float* padded = stackalloc float[Stripe];
        new Span<float>(padded, Stripe).Clear();
        Unsafe.CopyBlockUnaligned(padded, row + done, (uint)rest * sizeof(float));
        y[0] = FoldWithTail(padded, x + done, rest, lower0.A, lower1.A, upper0.A, upper1.A);
        y[yStride] = FoldWithTail(padded, x1 + done, rest, lower0.B, lower1.B, upper0.B, upper1.B);
        y[2 * yStride] = FoldWithTail(padded, x2 + done, rest, lower0.C, lower1.C, upper0.C, upper1.C);
        y[3 * yStride] = FoldWithTail(padded, x3 + done, rest, lower0.D, lower1.D, upper0.D, upper1.D);
    }

    /// <summary>Partial sums 0–7 and 8–15 (or 16–23 and 24–31) of four inputs.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Halves(float* row, float* x0, float* x1, float* x2, float* x3, int groups, out V4 first, out V4 second)
    {
        Vector256<float> a0 = default, a1 = default, a2 = default, a3 = default;
        Vector256<float> b0 = default, b1 = default, b2 = default, b3 = default;
        nint end = (nint)groups * Stripe;
        for (nint i = 0; i < end; i += Stripe)
        {
            Vector256<float> w = Vector256.Load(row + i);
            a0 = Fma.MultiplyAdd(w, Vector256.Load(x0 + i), a0);
            a1 = Fma.MultiplyAdd(w, Vector256.Load(x1 + i), a1);
            a2 = Fma.MultiplyAdd(w, Vector256.Load(x2 + i), a2);
            a3 = Fma.MultiplyAdd(w, Vector256.Load(x3 + i), a3);
            w = Vector256.Load(row + i + 8);
            b0 = Fma.MultiplyAdd(w, Vector256.Load(x0 + i + 8), b0);
            b1 = Fma.MultiplyAdd(w, Vector256.Load(x1 + i + 8), b1);
            b2 = Fma.MultiplyAdd(w, Vector256.Load(x2 + i + 8), b2);
            b3 = Fma.MultiplyAdd(w, Vector256.Load(x3 + i + 8), b3);
        }

        first = new V4(a0, a1, a2, a3);
        second = new V4(b0, b1, b2, b3);
    }

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

    private readonly struct V4(Vector256<float> a, Vector256<float> b, Vector256<float> c, Vector256<float> d)
    {
        public readonly Vector256<float> A = a;
        public readonly Vector256<float> B = b;
        public readonly Vector256<float> C = c;
        public readonly Vector256<float> D = d;
    }
}
