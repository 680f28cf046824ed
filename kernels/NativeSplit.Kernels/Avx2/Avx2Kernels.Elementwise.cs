using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using NativeSplit.Kernels.Simd;

namespace NativeSplit.Kernels.Avx2;

/// <content>Norm, activation, sums. Rests of less than 8 elements go one by one through the same arithmetic.</content>
internal sealed unsafe partial class Avx2Kernels
{
    private const int Lanes = 8;

    /// <inheritdoc/>
    protected override void RmsNormCore(ReadOnlySpan<float> x, ReadOnlySpan<float> gain, float epsilon, Span<float> y)
    {
        fixed (float* px = x, pg = gain, py = y)
        {
            float inverse = 1f / MathF.Sqrt((Avx2Dot.Dot<F32Weights>((byte*)px, px, x.Length) / x.Length) + epsilon);
            Vector256<float> factor = Vector256.Create(inverse);
            int i = 0;
            for (; i + Lanes <= x.Length; i += Lanes)
            {
                (Vector256.Load(px + i) * factor * Vector256.Load(pg + i)).Store(py + i);
            }

            for (; i < x.Length; i++)
            {
                py[i] = px[i] * inverse * pg[i];
            }
        }
    }

    /// <inheritdoc/>
    protected override void SiluMultiplyCore(ReadOnlySpan<float> gate, ReadOnlySpan<float> up, Span<float> y)
    {
        fixed (float* pg = gate, pu = up, py = y)
        {
            int i = 0;
            for (; i + Lanes <= gate.Length; i += Lanes)
            {
                (Silu(Vector256.Load(pg + i)) * Vector256.Load(pu + i)).Store(py + i);
            }

            for (; i < gate.Length; i++)
            {
                py[i] = Silu(Vector256.Create(pg[i])).ToScalar() * pu[i];
            }
        }
    }

    /// <inheritdoc/>
    protected override void AddCore(ReadOnlySpan<float> x, Span<float> y)
    {
        fixed (float* px = x, py = y)
        {
            int i = 0;
            for (; i + Lanes <= x.Length; i += Lanes)
            {
                (Vector256.Load(py + i) + Vector256.Load(px + i)).Store(py + i);
            }

            for (; i < x.Length; i++)
            {
                py[i] += px[i];
            }
        }
    }

    /// <inheritdoc/>
    protected override void ScaleCore(float factor, Span<float> y)
    {
        fixed (float* py = y)
        {
            Vector256<float> factors = Vector256.Create(factor);
            int i = 0;
            for (; i + Lanes <= y.Length; i += Lanes)
            {
                (Vector256.Load(py + i) * factors).Store(py + i);
            }

            for (; i < y.Length; i++)
            {
                py[i] *= factor;
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Silu(Vector256<float> gate) => gate / (Vector256<float>.One + Avx2Exp.Exp(-gate));
}
