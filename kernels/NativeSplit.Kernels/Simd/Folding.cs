using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace NativeSplit.Kernels.Simd;

/// <summary>Sums the lanes of a vector in the order of <c>ScalarDot.Fold</c>: the upper half is added to the lower until one is left.</summary>
internal static class Folding
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Fold(Vector512<float> sums) => Fold(sums.GetLower() + sums.GetUpper());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Fold(Vector256<float> sums) => Fold(sums.GetLower() + sums.GetUpper());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Fold(Vector128<float> sums)
    {
        Vector128<float> two = sums + Vector128.Shuffle(sums, Vector128.Create(2, 3, 2, 3));
        return two.ToScalar() + two.GetElement(1);
    }
}
