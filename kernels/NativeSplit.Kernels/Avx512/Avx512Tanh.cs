using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using NativeSplit.Kernels.Simd;

namespace NativeSplit.Kernels.Avx512;

/// <summary>Hyperbolic tangent of 16 floats.</summary>
internal static class Avx512Tanh
{
    /// <summary>Relative error below 10⁻⁶; −1, 1 and NaN as <see cref="MathF.Tanh"/> gives them.</summary>
    /// <remarks>
    /// From 0.25 up <c>(1 − t)/(1 + t)</c> with <c>t = exp(−2|x|)</c>, whose numerator is then 0.39 or more, so the error of the
    /// exponential grows by 1.6 at most; below, the Taylor series to x⁹ (remainder below 10⁻⁸).
    /// </remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Tanh(Vector512<float> x)
    {
        Vector512<float> magnitude = Vector512.Abs(x);
        Vector512<float> t = Avx512Exp.Exp(magnitude * Vector512.Create(-2f));
        Vector512<float> far = (Vector512<float>.One - t) / (Vector512<float>.One + t);
        far |= x & Vector512.Create(-0f);
        Vector512<float> square = x * x;
        Vector512<float> p = Vector512.Create(TanhConstants.C9);
        p = Vector512.FusedMultiplyAdd(p, square, Vector512.Create(TanhConstants.C7));
        p = Vector512.FusedMultiplyAdd(p, square, Vector512.Create(TanhConstants.C5));
        p = Vector512.FusedMultiplyAdd(p, square, Vector512.Create(TanhConstants.C3));
        Vector512<float> near = Vector512.FusedMultiplyAdd(p * square, x, x);
        return Vector512.ConditionalSelect(Vector512.LessThan(magnitude, Vector512.Create(TanhConstants.SeriesBelow)), near, far);
    }
}
