using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using NativeSplit.Kernels.Simd;

namespace NativeSplit.Kernels.Avx512;

/// <content>Attention over a run of positions.</content>
internal sealed unsafe partial class Avx512Kernels
{
    /// <inheritdoc/>
    protected override void AttendRunCore(ReadOnlySpan<float> query, ReadOnlySpan<float> keys, ReadOnlySpan<float> values, int count, float scale, ref SoftmaxState state, Span<float> output, Span<float> scratch)
    {
        int headSize = query.Length;
        fixed (float* pq = query, pk = keys, pv = values, po = output, scores = scratch)
        {
            float maximum = state.Maximum;
            for (int j = 0; j < count; j++)
            {
                scores[j] = Avx512Dot.Dot<F32Weights>((byte*)(pk + ((nint)j * headSize)), pq, headSize) * scale;
                maximum = MathF.Max(maximum, scores[j]);
            }

            if (float.IsNegativeInfinity(maximum))
            {
                return;
            }

            float sum = Exponentials(scores, count, maximum);
            float correction = Avx512Exp.Exp(Vector512.Create(state.Maximum - maximum)).ToScalar();
            state = new SoftmaxState(maximum, (state.Sum * correction) + sum);
            AddValues(scores, pv, count, headSize, correction, po);
        }
    }

    /// <summary>Scores to <c>exp(score − maximum)</c>, and their sum: score <c>j</c> goes to partial sum <c>j mod 16</c>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Exponentials(float* scores, int count, float maximum)
    {
        Vector512<float> shift = Vector512.Create(maximum);
        Vector512<float> sums = default;
        int j = 0;
        for (; j + Lanes <= count; j += Lanes)
        {
            Vector512<float> weights = Avx512Exp.Exp(Vector512.Load(scores + j) - shift);
            weights.Store(scores + j);
            sums += weights;
        }

        int rest = count - j;
        if (rest > 0)
        {
            float* padded = stackalloc float[Lanes];
            new Span<float>(padded, Lanes).Fill(float.NegativeInfinity);
            Unsafe.CopyBlockUnaligned(padded, scores + j, (uint)rest * sizeof(float));
            Vector512<float> weights = Avx512Exp.Exp(Vector512.Load(padded) - shift);
            weights.Store(padded);
            Unsafe.CopyBlockUnaligned(scores + j, padded, (uint)rest * sizeof(float));
            sums += weights;
        }

        return Folding.Fold(sums);
    }

    /// <summary><c>output[i] = output[i]·correction + Σ_j weights[j]·values[j, i]</c>, positions in ascending order.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddValues(float* weights, float* values, int count, int headSize, float correction, float* output)
    {
        Vector512<float> factor = Vector512.Create(correction);
        int i = 0;
        for (; i + (4 * Lanes) <= headSize; i += 4 * Lanes)
        {
            Vector512<float> o0 = Vector512.Load(output + i) * factor;
            Vector512<float> o1 = Vector512.Load(output + i + 16) * factor;
            Vector512<float> o2 = Vector512.Load(output + i + 32) * factor;
            Vector512<float> o3 = Vector512.Load(output + i + 48) * factor;
            float* v = values + i;
            for (int j = 0; j < count; j++, v += headSize)
            {
                Vector512<float> weight = Vector512.Create(weights[j]);
                o0 = Vector512.FusedMultiplyAdd(weight, Vector512.Load(v), o0);
                o1 = Vector512.FusedMultiplyAdd(weight, Vector512.Load(v + 16), o1);
                o2 = Vector512.FusedMultiplyAdd(weight, Vector512.Load(v + 32), o2);
                o3 = Vector512.FusedMultiplyAdd(weight, Vector512.Load(v + 48), o3);
            }

            o0.Store(output + i);
            o1.Store(output + i + 16);
            o2.Store(output + i + 32);
            o3.Store(output + i + 48);
        }

        for (; i + Lanes <= headSize; i += Lanes)
        {
            Vector512<float> sum = Vector512.Load(output + i) * factor;
            for (int j = 0; j < count; j++)
            {
                sum = Vector512.FusedMultiplyAdd(Vector512.Create(weights[j]), Vector512.Load(values + ((nint)j * headSize) + i), sum);
            }

            sum.Store(output + i);
        }

        for (; i < headSize; i++)
        {
            float sum = output[i] * correction;
            for (int j = 0; j < count; j++)
            {
                sum = MathF.FusedMultiplyAdd(weights[j], values[((nint)j * headSize) + i], sum);
            }

            output[i] = sum;
        }
    }
}
