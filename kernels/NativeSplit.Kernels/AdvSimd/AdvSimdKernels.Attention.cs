using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using NativeSplit.Kernels.Simd;

namespace NativeSplit.Kernels.AdvSimd;

/// <content>Attention over a run of positions.</content>
internal sealed unsafe partial class AdvSimdKernels
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
                scores[j] = AdvSimdDot.Dot<F32Weights>((byte*)(pk + ((nint)j * headSize)), pq, headSize) * scale;
                maximum = MathF.Max(maximum, scores[j]);
            }

            if (float.IsNegativeInfinity(maximum))
            {
                return;
            }

            float sum = Exponentials(scores, count, maximum);
            float correction = AdvSimdExp.Exp(Vector128.Create(state.Maximum - maximum)).ToScalar();
            state = new SoftmaxState(maximum, (state.Sum * correction) + sum);
            AddValues(scores, pv, count, headSize, correction, po);
        }
    }

    /// <summary>Scores to <c>exp(score − maximum)</c>, and their sum: score <c>j</c> goes to partial sum <c>j mod 16</c>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Exponentials(float* scores, int count, float maximum)
    {
        Vector128<float> shift = Vector128.Create(maximum);
        Vector128<float> s0 = default, s1 = default, s2 = default, s3 = default;
        int j = 0;
        for (; j + (4 * Lanes) <= count; j += 4 * Lanes)
        {
            AddExponentials(scores + j, shift, ref s0, ref s1, ref s2, ref s3);
        }

        int rest = count - j;
        if (rest > 0)
        {
            float* padded = stackalloc float[4 * Lanes];
            new Span<float>(padded, 4 * Lanes).Fill(float.NegativeInfinity);
            Unsafe.CopyBlockUnaligned(padded, scores + j, (uint)rest * sizeof(float));
            AddExponentials(padded, shift, ref s0, ref s1, ref s2, ref s3);
            Unsafe.CopyBlockUnaligned(scores + j, padded, (uint)rest * sizeof(float));
        }

        return AdvSimdDot.Fold(s0, s1, s2, s3);
    }

    /// <summary>16 scores, in place.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddExponentials(
        float* scores, Vector128<float> shift, ref Vector128<float> s0, ref Vector128<float> s1, ref Vector128<float> s2, ref Vector128<float> s3)
    {
        Vector128<float> e0 = AdvSimdExp.Exp(Vector128.Load(scores) - shift);
        Vector128<float> e1 = AdvSimdExp.Exp(Vector128.Load(scores + 4) - shift);
        Vector128<float> e2 = AdvSimdExp.Exp(Vector128.Load(scores + 8) - shift);
        Vector128<float> e3 = AdvSimdExp.Exp(Vector128.Load(scores + 12) - shift);
        e0.Store(scores);
        e1.Store(scores + 4);
        e2.Store(scores + 8);
        e3.Store(scores + 12);
        s0 += e0;
        s1 += e1;
        s2 += e2;
        s3 += e3;
    }

    /// <summary><c>output[i] = output[i]·correction + Σ_j weights[j]·values[j, i]</c>, positions in ascending order.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddValues(float* weights, float* values, int count, int headSize, float correction, float* output)
    {
        Vector128<float> factor = Vector128.Create(correction);
        int i = 0;
        for (; i + (4 * Lanes) <= headSize; i += 4 * Lanes)
        {
            Vector128<float> o0 = Vector128.Load(output + i) * factor;
            Vector128<float> o1 = Vector128.Load(output + i + 4) * factor;
            Vector128<float> o2 = Vector128.Load(output + i + 8) * factor;
            Vector128<float> o3 = Vector128.Load(output + i + 12) * factor;
            float* v = values + i;
            for (int j = 0; j < count; j++, v += headSize)
            {
                Vector128<float> weight = Vector128.Create(weights[j]);
                o0 = Vector128.FusedMultiplyAdd(weight, Vector128.Load(v), o0);
                o1 = Vector128.FusedMultiplyAdd(weight, Vector128.Load(v + 4), o1);
                o2 = Vector128.FusedMultiplyAdd(weight, Vector128.Load(v + 8), o2);
                o3 = Vector128.FusedMultiplyAdd(weight, Vector128.Load(v + 12), o3);
            }

            o0.Store(output + i);
            o1.Store(output + i + 4);
            o2.Store(output + i + 8);
            o3.Store(output + i + 12);
        }

        for (; i + Lanes <= headSize; i += Lanes)
        {
            Vector128<float> sum = Vector128.Load(output + i) * factor;
            for (int j = 0; j < count; j++)
            {
                sum = Vector128.FusedMultiplyAdd(Vector128.Create(weights[j]), Vector128.Load(values + ((nint)j * headSize) + i), sum);
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
