using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using NativeSplit.Kernels.Simd;

namespace NativeSplit.Kernels.Avx2;

/// <summary>Hyperbolic tangent of 8 floats.</summary>
internal static class Avx2Tanh
{
    /// <summary>Relative error below 10⁻⁶; −1, 1 and NaN as <see cref="MathF.Tanh"/> gives them.</summary>
    /// <remarks>
    /// From 0.25 up <c>(1 − t)/(1 + t)</c> with <c>t = exp(−2|x|)</c>, whose numerator is then 0.39 or more, so the error of the
    /// exponential grows by 1.6 at most; below, the Taylor series to x⁹ (remainder below 10⁻⁸).
    /// </remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Tanh(Vector256<float> x)
    {
        Vector256<float> magnitude = Vector256.Abs(x);
        Vector256<float> t = Avx2Exp.Exp(magnitude * Vector256.Create(-2f));
        Vector256<float> far = (Vector256<float>.One - t) / (Vector256<float>.One + t);
        far |= x & Vector256.Create(-0f);
        Vector256<float> square = x * x;
        Vector256<float> p = Vector256.Create(TanhConstants.C9);
        p = Fma.MultiplyAdd(p, square, Vector256.Create(TanhConstants.C7));
        p = Fma.MultiplyAdd(p, square, Vector256.Create(TanhConstants.C5));
        p = Fma.MultiplyAdd(p, square, Vector256.Create(TanhConstants.C3));
        Vector256<float> near = Fma.MultiplyAdd(p * square, x, x);
        return Vector256.ConditionalSelect(Vector256.LessThan(magnitude, Vector256.Create(TanhConstants.SeriesBelow)), near, far);
    }
}
