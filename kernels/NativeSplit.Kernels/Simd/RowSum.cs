using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using NativeSplit.Kernels.Scalar;

namespace NativeSplit.Kernels.Simd;

/// <summary>Sum of a row in the order of <c>ScalarDot.Sum</c>, for all SIMD sets.</summary>
internal static unsafe class RowSum
{
    private const int Lanes = 8;

    /// <summary>Partial sum p is lane p mod 8 of accumulator p / 8; elements behind the last multiple of 32 are added one by one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Of(float* x, int count)
    {
        Vector256<float> a0 = default, a1 = default, a2 = default, a3 = default;
        int i = 0;
        for (; i + ScalarDot.PartialSums <= count; i += ScalarDot.PartialSums)
        {
            a0 += Vector256.Load(x + i);
            a1 += Vector256.Load(x + i + Lanes);
            a2 += Vector256.Load(x + i + (2 * Lanes));
            a3 += Vector256.Load(x + i + (3 * Lanes));
        }

        float* sums = stackalloc float[ScalarDot.PartialSums];
        a0.Store(sums);
        a1.Store(sums + Lanes);
        a2.Store(sums + (2 * Lanes));
        a3.Store(sums + (3 * Lanes));
        for (int rest = 0; i < count; i++, rest++)
        {
            sums[rest] += x[i];
        }

        return ScalarDot.Fold(new Span<float>(sums, ScalarDot.PartialSums));
    }
}
