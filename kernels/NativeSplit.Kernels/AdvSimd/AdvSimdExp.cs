using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using NativeSplit.Kernels.Simd;

namespace NativeSplit.Kernels.AdvSimd;

/// <summary>e to the power of x for 4 floats.</summary>
internal static class AdvSimdExp
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
    public static Vector128<float> Exp(Vector128<float> x)
    {
        x = Vector128.Min(Vector128.Max(x, Vector128.Create(ExpConstants.Lowest)), Vector128.Create(ExpConstants.Highest));
        Vector128<float> n = Vector128.Round(x * Vector128.Create(ExpConstants.Log2E));
        Vector128<float> r = Vector128.FusedMultiplyAdd(-n, Vector128.Create(ExpConstants.Ln2High), x);
        r = Vector128.FusedMultiplyAdd(-n, Vector128.Create(ExpConstants.Ln2Low), r);
        Vector128<float> p = Vector128.Create(ExpConstants.C7);
        p = Vector128.FusedMultiplyAdd(p, r, Vector128.Create(ExpConstants.C6));
        p = Vector128.FusedMultiplyAdd(p, r, Vector128.Create(ExpConstants.C5));
        p = Vector128.FusedMultiplyAdd(p, r, Vector128.Create(ExpConstants.C4));
        p = Vector128.FusedMultiplyAdd(p, r, Vector128.Create(ExpConstants.C3));
        p = Vector128.FusedMultiplyAdd(p, r, Vector128.Create(ExpConstants.C2));
        p = Vector128.FusedMultiplyAdd(p, r, Vector128<float>.One);
        p = Vector128.FusedMultiplyAdd(p, r, Vector128<float>.One);
        Vector128<int> power = Vector128.ConvertToInt32Native(n);
        Vector128<int> half = power >> 1;
        return p * PowerOfTwo(half) * PowerOfTwo(power - half);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> PowerOfTwo(Vector128<int> power) => ((power + Vector128.Create(127)) << 23).AsSingle();
}
