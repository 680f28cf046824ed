using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using NativeSplit.Kernels.Simd;

namespace NativeSplit.Kernels.AdvSimd;

/// <content>Norm, activation, sums. Rests of less than 4 elements go one by one through the same arithmetic.</content>
internal sealed unsafe partial class AdvSimdKernels
{
    private const int Lanes = 4;

    /// <inheritdoc/>
    protected override void RmsNormCore(ReadOnlySpan<float> x, ReadOnlySpan<float> gain, float epsilon, Span<float> y)
    {
        fixed (float* px = x, pg = gain, py = y)
        {
            float inverse = 1f / MathF.Sqrt((AdvSimdDot.Dot<F32Weights>((byte*)px, px, x.Length) / x.Length) + epsilon);
            Vector128<float> factor = Vector128.Create(inverse);
            int i = 0;
            for (; i + Lanes <= x.Length; i += Lanes)
            {
                (Vector128.Load(px + i) * factor * Vector128.Load(pg + i)).Store(py + i);
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
                (Silu(Vector128.Load(pg + i)) * Vector128.Load(pu + i)).Store(py + i);
            }

            for (; i < gate.Length; i++)
            {
                py[i] = Silu(Vector128.Create(pg[i])).ToScalar() * pu[i];
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
                (Vector128.Load(py + i) + Vector128.Load(px + i)).Store(py + i);
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
            Vector128<float> factors = Vector128.Create(factor);
            int i = 0;
            for (; i + Lanes <= y.Length; i += Lanes)
            {
                (Vector128.Load(py + i) * factors).Store(py + i);
            }

            for (; i < y.Length; i++)
            {
                py[i] *= factor;
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Silu(Vector128<float> gate) => gate / (Vector128<float>.One + AdvSimdExp.Exp(-gate));
}
