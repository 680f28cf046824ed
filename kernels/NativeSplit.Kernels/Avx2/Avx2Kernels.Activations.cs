using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using NativeSplit.Kernels.Simd;

namespace NativeSplit.Kernels.Avx2;

/// <content>Norm and activations that only some architectures need. Rests of less than 8 elements go one by one through the same arithmetic.</content>
internal sealed unsafe partial class Avx2Kernels
{
    /// <inheritdoc/>
    protected override void LayerNormCore(ReadOnlySpan<float> x, ReadOnlySpan<float> gain, ReadOnlySpan<float> bias, float epsilon, Span<float> y)
    {
        fixed (float* px = x, pg = gain, pb = bias, py = y)
        {
            int n = x.Length;
            float mean = RowSum.Of(px, n) / n;
            Vector256<float> shift = Vector256.Create(mean);
            int i = 0;
            for (; i + Lanes <= n; i += Lanes)
            {
                (Vector256.Load(px + i) - shift).Store(py + i);
            }

            for (; i < n; i++)
            {
                py[i] = px[i] - mean;
            }

            float inverse = 1f / MathF.Sqrt((Avx2Dot.Dot<F32Weights>((byte*)py, py, n) / n) + epsilon);
            Vector256<float> factor = Vector256.Create(inverse);
            for (i = 0; i + Lanes <= n; i += Lanes)
            {
                Fma.MultiplyAdd(Vector256.Load(py + i) * factor, Vector256.Load(pg + i), Vector256.Load(pb + i)).Store(py + i);
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
                Gelu(Vector256.Load(px + i)).Store(py + i);
            }

            for (; i < x.Length; i++)
            {
                py[i] = Gelu(Vector256.Create(px[i])).ToScalar();
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
                (Gelu(Vector256.Load(pg + i)) * Vector256.Load(pu + i)).Store(py + i);
            }

            for (; i < gate.Length; i++)
            {
                py[i] = Gelu(Vector256.Create(pg[i])).ToScalar() * pu[i];
            }
        }
    }

    /// <inheritdoc/>
    protected override void SoftCapCore(float cap, Span<float> y)
    {
        Vector256<float> caps = Vector256.Create(cap);
        fixed (float* py = y)
        {
            int i = 0;
            for (; i + Lanes <= y.Length; i += Lanes)
            {
                SoftCap(caps, Vector256.Load(py + i)).Store(py + i);
            }

            for (; i < y.Length; i++)
            {
                py[i] = SoftCap(caps, Vector256.Create(py[i])).ToScalar();
            }
        }
    }

    /// <inheritdoc/>
    protected override void MultiplyAddCore(float factor, ReadOnlySpan<float> x, Span<float> y)
    {
        Vector256<float> factors = Vector256.Create(factor);
        fixed (float* px = x, py = y)
        {
            int i = 0;
            for (; i + Lanes <= x.Length; i += Lanes)
            {
                Fma.MultiplyAdd(factors, Vector256.Load(px + i), Vector256.Load(py + i)).Store(py + i);
            }

            for (; i < x.Length; i++)
            {
                py[i] = MathF.FusedMultiplyAdd(factor, px[i], py[i]);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Gelu(Vector256<float> x)
    {
        Vector256<float> slope = Fma.MultiplyAdd(x * x, Vector256.Create(GeluConstants.Cubic), Vector256.Create(GeluConstants.Linear));
        return x / (Vector256<float>.One + Avx2Exp.Exp(x * slope));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> SoftCap(Vector256<float> cap, Vector256<float> x) => cap * Avx2Tanh.Tanh(x / cap);
}
