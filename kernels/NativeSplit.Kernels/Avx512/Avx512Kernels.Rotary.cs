using System.Runtime.Intrinsics;

namespace NativeSplit.Kernels.Avx512;

/// <content>Rotary embedding. Products and sums round separately, as in the scalar set.</content>
internal sealed unsafe partial class Avx512Kernels
{
    /// <inheritdoc/>
    protected override void RotateInterleavedCore(Span<float> head, ReadOnlySpan<float> cosine, ReadOnlySpan<float> sine)
    {
        Vector512<int> swap = Vector512.Create(1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14);
        Vector512<int> twice = Vector512.Create(0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7);
        Vector512<float> evenSign = Vector512.Create(0x0000_0000_8000_0000ul).AsSingle();
        fixed (float* ph = head, pc = cosine, ps = sine)
        {
            int i = 0;
            for (; i + (Lanes / 2) <= cosine.Length; i += Lanes / 2)
            {
                // Lanes a0 b0 a1 b1 … a7 b7; cosine and sine doubled to c0 c0 c1 c1 … c7 c7.
                Vector512<float> pairs = Vector512.Load(ph + (2 * i));
                Vector512<float> swapped = Vector512.Shuffle(pairs, swap);
                Vector512<float> c = Vector512.Shuffle(Vector256.Load(pc + i).ToVector512(), twice);
                Vector512<float> s = Vector512.Shuffle(Vector256.Load(ps + i).ToVector512(), twice);

                // Even lanes: a·c + −(b·s). Odd lanes: b·c + a·s.
                ((pairs * c) + ((swapped * s) ^ evenSign)).Store(ph + (2 * i));
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
                Vector512<float> a = Vector512.Load(ph + i);
                Vector512<float> b = Vector512.Load(pb + i);
                Vector512<float> c = Vector512.Load(pc + i);
                Vector512<float> s = Vector512.Load(ps + i);
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
