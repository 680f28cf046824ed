using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using NativeSplit.Kernels.Simd;

namespace NativeSplit.Kernels.Avx512;

/// <summary>e to the power of x for 16 floats.</summary>
internal static class Avx512Exp
{
    /// <summary>
    /// Relative error below 2·10⁻⁷ where the result is a normal number; subnormal results, zero, infinity and NaN as
    /// <see cref="MathF.Exp"/> gives them, to one unit in the last place.
    /// </summary>
    /// <remarks>
    /// Cody and Waite 1980: <c>x = n·ln 2 + r</c> with |r| ≤ ln 2 / 2, ln 2 in two parts; then <c>2ⁿ·eʳ</c> with the Taylor
    /// series to r⁷ (remainder below 5·10⁻⁹) by Horner's rule. 2ⁿ is multiplied in two steps, so that results from
    /// 2⁻¹⁴⁹ to the greatest float come out.
    /// </remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Exp(Vector512<float> x)
    {
        x = Vector512.Min(Vector512.Max(x, Vector512.Create(ExpConstants.Lowest)), Vector512.Create(ExpConstants.Highest));
        Vector512<float> n = Vector512.Round(x * Vector512.Create(ExpConstants.Log2E));
        Vector512<float> r = Vector512.FusedMultiplyAdd(-n, Vector512.Create(ExpConstants.Ln2High), x);
        r = Vector512.FusedMultiplyAdd(-n, Vector512.Create(ExpConstants.Ln2Low), r);
        Vector512<float> p = Vector512.Create(ExpConstants.C7);
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(ExpConstants.C6));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(ExpConstants.C5));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(ExpConstants.C4));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(ExpConstants.C3));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(ExpConstants.C2));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512<float>.One);
        p = Vector512.FusedMultiplyAdd(p, r, Vector512<float>.One);
        Vector512<int> power = Vector512.ConvertToInt32Native(n);
        Vector512<int> half = power >> 1;
        return p * PowerOfTwo(half) * PowerOfTwo(power - half);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> PowerOfTwo(Vector512<int> power) => ((power + Vector512.Create(127)) << 23).AsSingle();
}
