using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using NativeSplit.Kernels.Simd;

namespace NativeSplit.Kernels.Avx512;

/// <content>Norm, activation, sums. Rests of less than 16 elements go one by one through the same arithmetic.</content>
internal sealed unsafe partial class Avx512Kernels
{
    private const int Lanes = 16;

    /// <inheritdoc/>
    protected override void RmsNormCore(ReadOnlySpan<float> x, ReadOnlySpan<float> gain, float epsilon, Span<float> y)
    {
        fixed (float* px = x, pg = gain, py = y)
        {
            float inverse = 1f / MathF.Sqrt((Avx512Dot.Dot<F32Weights>((byte*)px, px, x.Length) / x.Length) + epsilon);
            Vector512<float> factor = Vector512.Create(inverse);
            int i = 0;
            for (; i + Lanes <= x.Length; i += Lanes)
            {
                (Vector512.Load(px + i) * factor * Vector512.Load(pg + i)).Store(py + i);
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
                (Silu(Vector512.Load(pg + i)) * Vector512.Load(pu + i)).Store(py + i);
            }

            for (; i < gate.Length; i++)
            {
                py[i] = Silu(Vector512.Create(pg[i])).ToScalar() * pu[i];
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
                (Vector512.Load(py + i) + Vector512.Load(px + i)).Store(py + i);
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
            Vector512<float> factors = Vector512.Create(factor);
            int i = 0;
            for (; i + Lanes <= y.Length; i += Lanes)
            {
                (Vector512.Load(py + i) * factors).Store(py + i);
            }

            for (; i < y.Length; i++)
            {
                py[i] *= factor;
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Silu(Vector512<float> gate) => gate / (Vector512<float>.One + Avx512Exp.Exp(-gate));
}
