using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using NativeSplit.Kernels.Simd;

namespace NativeSplit.Kernels.AdvSimd;

/// <summary>Hyperbolic tangent of 4 floats.</summary>
internal static class AdvSimdTanh
{
    /// <summary>Relative error below 10⁻⁶; −1, 1 and NaN as <see cref="MathF.Tanh"/> gives them.</summary>
    /// <remarks>
    /// From 0.25 up <c>(1 − t)/(1 + t)</c> with <c>t = exp(−2|x|)</c>, whose numerator is then 0.39 or more, so the error of the
    /// exponential grows by 1.6 at most; below, the Taylor series to x⁹ (remainder below 10⁻⁸).
    /// </remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Tanh(Vector128<float> x)
    {
        Vector128<float> magnitude = Vector128.Abs(x);
        Vector128<float> t = AdvSimdExp.Exp(magnitude * Vector128.Create(-2f));
        Vector128<float> far = (Vector128<float>.One - t) / (Vector128<float>.One + t);
        far |= x & Vector128.Create(-0f);
        Vector128<float> square = x * x;
        Vector128<float> p = Vector128.Create(TanhConstants.C9);
        p = Vector128.FusedMultiplyAdd(p, square, Vector128.Create(TanhConstants.C7));
        p = Vector128.FusedMultiplyAdd(p, square, Vector128.Create(TanhConstants.C5));
        p = Vector128.FusedMultiplyAdd(p, square, Vector128.Create(TanhConstants.C3));
        Vector128<float> near = Vector128.FusedMultiplyAdd(p * square, x, x);
        return Vector128.ConditionalSelect(Vector128.LessThan(magnitude, Vector128.Create(TanhConstants.SeriesBelow)), near, far);
    }
}
