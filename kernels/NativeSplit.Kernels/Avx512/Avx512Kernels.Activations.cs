using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using NativeSplit.Kernels.Simd;

namespace NativeSplit.Kernels.Avx512;

/// <content>Norm and activations that only some architectures need. Rests of less than 16 elements go one by one through the same arithmetic.</content>
internal sealed unsafe partial class Avx512Kernels
{
    /// <inheritdoc/>
    protected override void LayerNormCore(ReadOnlySpan<float> x, ReadOnlySpan<float> gain, ReadOnlySpan<float> bias, float epsilon, Span<float> y)
    {
        fixed (float* px = x, pg = gain, pb = bias, py = y)
        {
            int n = x.Length;
            float mean = RowSum.Of(px, n) / n;
            Vector512<float> shift = Vector512.Create(mean);
            int i = 0;
            for (; i + Lanes <= n; i += Lanes)
            {
                (Vector512.Load(px + i) - shift).Store(py + i);
            }

            for (; i < n; i++)
            {
                py[i] = px[i] - mean;
            }

            float inverse = 1f / MathF.Sqrt((Avx512Dot.Dot<F32Weights>((byte*)py, py, n) / n) + epsilon);
            Vector512<float> factor = Vector512.Create(inverse);
            for (i = 0; i + Lanes <= n; i += Lanes)
            {
                Vector512.FusedMultiplyAdd(Vector512.Load(py + i) * factor, Vector512.Load(pg + i), Vector512.Load(pb + i)).Store(py + i);
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
                Gelu(Vector512.Load(px + i)).Store(py + i);
            }

            for (; i < x.Length; i++)
            {
                py[i] = Gelu(Vector512.Create(px[i])).ToScalar();
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
                (Gelu(Vector512.Load(pg + i)) * Vector512.Load(pu + i)).Store(py + i);
            }

            for (; i < gate.Length; i++)
            {
                py[i] = Gelu(Vector512.Create(pg[i])).ToScalar() * pu[i];
            }
        }
    }

    /// <inheritdoc/>
    protected override void SoftCapCore(float cap, Span<float> y)
    {
        Vector512<float> caps = Vector512.Create(cap);
        fixed (float* py = y)
        {
            int i = 0;
            for (; i + Lanes <= y.Length; i += Lanes)
            {
                SoftCap(caps, Vector512.Load(py + i)).Store(py + i);
            }

            for (; i < y.Length; i++)
            {
                py[i] = SoftCap(caps, Vector512.Create(py[i])).ToScalar();
            }
        }
    }

    /// <inheritdoc/>
    protected override void MultiplyAddCore(float factor, ReadOnlySpan<float> x, Span<float> y)
    {
        Vector512<float> factors = Vector512.Create(factor);
        fixed (float* px = x, py = y)
        {
            int i = 0;
            for (; i + Lanes <= x.Length; i += Lanes)
            {
                Vector512.FusedMultiplyAdd(factors, Vector512.Load(px + i), Vector512.Load(py + i)).Store(py + i);
            }

            for (; i < x.Length; i++)
            {
                py[i] = MathF.FusedMultiplyAdd(factor, px[i], py[i]);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Gelu(Vector512<float> x)
    {
        Vector512<float> slope = Vector512.FusedMultiplyAdd(x * x, Vector512.Create(GeluConstants.Cubic), Vector512.Create(GeluConstants.Linear));
        return x / (Vector512<float>.One + Avx512Exp.Exp(x * slope));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> SoftCap(Vector512<float> cap, Vector512<float> x) => cap * Avx512Tanh.Tanh(x / cap);
}
