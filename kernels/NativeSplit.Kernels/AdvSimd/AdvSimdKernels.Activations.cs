using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using NativeSplit.Kernels.Simd;

namespace NativeSplit.Kernels.AdvSimd;

/// <content>Norm and activations that only some architectures need. Rests of less than 4 elements go one by one through the same arithmetic.</content>
internal sealed unsafe partial class AdvSimdKernels
{
    /// <inheritdoc/>
    protected override void LayerNormCore(ReadOnlySpan<float> x, ReadOnlySpan<float> gain, ReadOnlySpan<float> bias, float epsilon, Span<float> y)
    {
        fixed (float* px = x, pg = gain, pb = bias, py = y)
        {
            int n = x.Length;
            float mean = RowSum.Of(px, n) / n;
            Vector128<float> shift = Vector128.Create(mean);
            int i = 0;
            for (; i + Lanes <= n; i += Lanes)
            {
                (Vector128.Load(px + i) - shift).Store(py + i);
            }

            for (; i < n; i++)
            {
                py[i] = px[i] - mean;
            }

            float inverse = 1f / MathF.Sqrt((AdvSimdDot.Dot<F32Weights>((byte*)py, py, n) / n) + epsilon);
            Vector128<float> factor = Vector128.Create(inverse);
            for (i = 0; i + Lanes <= n; i += Lanes)
            {
                Vector128.FusedMultiplyAdd(Vector128.Load(py + i) * factor, Vector128.Load(pg + i), Vector128.Load(pb + i)).Store(py + i);
            }

            for (; i < n; i++)
            {
                py[i] = MathF.FusedMultiplyAdd(py[i] * inverse, pg[i], pb[i]);
            }
        }
    }

    /// <inheritdoc/>
    protected override void GeluCore(ReadOnlySpan<float> x, Span<float> y)
    {
        fixed (float* px = x, py = y)
        {
            int i = 0;
            for (; i + Lanes <= x.Length; i += Lanes)
            {
                Gelu(Vector128.Load(px + i)).Store(py + i);
            }

            for (; i < x.Length; i++)
            {
                py[i] = Gelu(Vector128.Create(px[i])).ToScalar();
            }
        }
    }

    /// <inheritdoc/>
    protected override void GeluMultiplyCore(ReadOnlySpan<float> gate, ReadOnlySpan<float> up, Span<float> y)
    {
        fixed (float* pg = gate, pu = up, py = y)
        {
            int i = 0;
            for (; i + Lanes <= gate.Length; i += Lanes)
            {
                (Gelu(Vector128.Load(pg + i)) * Vector128.Load(pu + i)).Store(py + i);
            }

            for (; i < gate.Length; i++)
            {
                py[i] = Gelu(Vector128.Create(pg[i])).ToScalar() * pu[i];
            }
        }
    }

    /// <inheritdoc/>
    protected override void SoftCapCore(float cap, Span<float> y)
    {
        Vector128<float> caps = Vector128.Create(cap);
        fixed (float* py = y)
        {
            int i = 0;
            for (; i + Lanes <= y.Length; i += Lanes)
            {
                SoftCap(caps, Vector128.Load(py + i)).Store(py + i);
            }

            for (; i < y.Length; i++)
            {
                py[i] = SoftCap(caps, Vector128.Create(py[i])).ToScalar();
            }
        }
    }

    /// <inheritdoc/>
    protected override void MultiplyAddCore(float factor, ReadOnlySpan<float> x, Span<float> y)
    {
        Vector128<float> factors = Vector128.Create(factor);
        fixed (float* px = x, py = y)
        {
            int i = 0;
            for (; i + Lanes <= x.Length; i += Lanes)
            {
                Vector128.FusedMultiplyAdd(factors, Vector128.Load(px + i), Vector128.Load(py + i)).Store(py + i);
            }

            for (; i < x.Length; i++)
            {
                py[i] = MathF.FusedMultiplyAdd(factor, px[i], py[i]);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Gelu(Vector128<float> x)
    {
        Vector128<float> slope = Vector128.FusedMultiplyAdd(x * x, Vector128.Create(GeluConstants.Cubic), Vector128.Create(GeluConstants.Linear));
        return x / (Vector128<float>.One + AdvSimdExp.Exp(x * slope));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> SoftCap(Vector128<float> cap, Vector128<float> x) => cap * AdvSimdTanh.Tanh(x / cap);
}
