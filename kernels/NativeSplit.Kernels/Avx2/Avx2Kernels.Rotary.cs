using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace NativeSplit.Kernels.Avx2;

/// <content>Rotary embedding. Products and sums round separately, as in the scalar set.</content>
internal sealed unsafe partial class Avx2Kernels
{
    /// <inheritdoc/>
    protected override void RotateInterleavedCore(Span<float> head, ReadOnlySpan<float> cosine, ReadOnlySpan<float> sine)
    {
        fixed (float* ph = head, pc = cosine, ps = sine)
        {
            int i = 0;
            for (; i + (Lanes / 2) <= cosine.Length; i += Lanes / 2)
            {
                // Lanes a0 b0 a1 b1 a2 b2 a3 b3; cosine and sine doubled to c0 c0 c1 c1 c2 c2 c3 c3.
                Vector256<float> pairs = Vector256.Load(ph + (2 * i));
                Vector256<float> swapped = Avx.Permute(pairs, 0b10_11_00_01);
                Vector256<float> c = Double(Vector128.Load(pc + i));
                Vector256<float> s = Double(Vector128.Load(ps + i));

                // Even lanes subtract: a·c − b·s. Odd lanes add: b·c + a·s.
                Avx.AddSubtract(pairs * c, swapped * s).Store(ph + (2 * i));
            }

            for (; i < cosine.Length; i++)
            {
                float a = ph[2 * i];
                float b = ph[(2 * i) + 1];
                ph[2 * i] = (a * pc[i]) - (b * ps[i]);
                ph[(2 * i) + 1] = (a * ps[i]) + (b * pc[i]);
            }
        }
    }

    /// <inheritdoc/>
    protected override void RotateHalvesCore(Span<float> head, ReadOnlySpan<float> cosine, ReadOnlySpan<float> sine)
    {
        fixed (float* ph = head, pc = cosine, ps = sine)
        {
            float* pb = ph + cosine.Length;
            int i = 0;
            for (; i + Lanes <= cosine.Length; i += Lanes)
            {
                Vector256<float> a = Vector256.Load(ph + i);
                Vector256<float> b = Vector256.Load(pb + i);
                Vector256<float> c = Vector256.Load(pc + i);
                Vector256<float> s = Vector256.Load(ps + i);
                ((a * c) - (b * s)).Store(ph + i);
                ((a * s) + (b * c)).Store(pb + i);
            }

            for (; i < cosine.Length; i++)
            {
                float a = ph[i];
                float b = pb[i];
                ph[i] = (a * pc[i]) - (b * ps[i]);
                pb[i] = (a * ps[i]) + (b * pc[i]);
            }
        }
    }

    private static Vector256<float> Double(Vector128<float> values) =>
        Vector256.Create(Sse.UnpackLow(values, values), Sse.UnpackHigh(values, values));
}
