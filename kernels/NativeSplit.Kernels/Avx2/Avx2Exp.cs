using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using NativeSplit.Kernels.Simd;

namespace NativeSplit.Kernels.Avx2;

/// <summary>e to the power of x for 8 floats.</summary>
internal static class Avx2Exp
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
    public static Vector256<float> Exp(Vector256<float> x)
    {
        x = Vector256.Min(Vector256.Max(x, Vector256.Create(ExpConstants.Lowest)), Vector256.Create(ExpConstants.Highest));
        Vector256<float> n = Vector256.Round(x * Vector256.Create(ExpConstants.Log2E));
        Vector256<float> r = Fma.MultiplyAddNegated(n, Vector256.Create(ExpConstants.Ln2High), x);
        r = Fma.MultiplyAddNegated(n, Vector256.Create(ExpConstants.Ln2Low), r);
        Vector256<float> p = Vector256.Create(ExpConstants.C7);
        p = Fma.MultiplyAdd(p, r, Vector256.Create(ExpConstants.C6));
        p = Fma.MultiplyAdd(p, r, Vector256.Create(ExpConstants.C5));
        p = Fma.MultiplyAdd(p, r, Vector256.Create(ExpConstants.C4));
        p = Fma.MultiplyAdd(p, r, Vector256.Create(ExpConstants.C3));
        p = Fma.MultiplyAdd(p, r, Vector256.Create(ExpConstants.C2));
        p = Fma.MultiplyAdd(p, r, Vector256<float>.One);
        p = Fma.MultiplyAdd(p, r, Vector256<float>.One);
        Vector256<int> power = Vector256.ConvertToInt32Native(n);
        Vector256<int> half = power >> 1;
        return p * PowerOfTwo(half) * PowerOfTwo(power - half);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> PowerOfTwo(Vector256<int> power) => ((power + Vector256.Create(127)) << 23).AsSingle();
}
