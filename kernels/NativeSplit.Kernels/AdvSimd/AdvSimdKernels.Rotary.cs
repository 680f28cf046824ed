using System.Runtime.Intrinsics;

namespace NativeSplit.Kernels.AdvSimd;

/// <content>Rotary embedding. Products and sums round separately, as in the scalar set.</content>
internal sealed unsafe partial class AdvSimdKernels
{
    /// <inheritdoc/>
    protected override void RotateInterleavedCore(Span<float> head, ReadOnlySpan<float> cosine, ReadOnlySpan<float> sine)
    {
        fixed (float* ph = head, pc = cosine, ps = sine)
        {
            int i = 0;
            for (; i + Lanes <= cosine.Length; i += Lanes)
            {
                // Lanes a0 b0 a1 b1, then a2 b2 a3 b3: apart, turned, together again.
                Vector128<float> first = Vector128.Load(ph + (2 * i));
                Vector128<float> second = Vector128.Load(ph + (2 * i) + Lanes);
                Vector128<float> a = AdvSimdLanes.Even(first, second);
                Vector128<float> b = AdvSimdLanes.Odd(first, second);
                Vector128<float> c = Vector128.Load(pc + i);
                Vector128<float> s = Vector128.Load(ps + i);
                Vector128<float> turnedA = (a * c) - (b * s);
                Vector128<float> turnedB = (a * s) + (b * c);
                AdvSimdLanes.ZipLower(turnedA, turnedB).Store(ph + (2 * i));
                AdvSimdLanes.ZipUpper(turnedA, turnedB).Store(ph + (2 * i) + Lanes);
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
                Vector128<float> a = Vector128.Load(ph + i);
                Vector128<float> b = Vector128.Load(pb + i);
                Vector128<float> c = Vector128.Load(pc + i);
                Vector128<float> s = Vector128.Load(ps + i);
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
}
