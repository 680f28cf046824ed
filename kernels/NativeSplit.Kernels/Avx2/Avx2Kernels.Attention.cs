using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using NativeSplit.Kernels.Simd;

namespace NativeSplit.Kernels.Avx2;

/// <content>Attention over a run of positions.</content>
internal sealed unsafe partial class Avx2Kernels
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
                scores[j] = Avx2Dot.Dot<F32Weights>((byte*)(pk + ((nint)j * headSize)), pq, headSize) * scale;
                maximum = MathF.Max(maximum, scores[j]);
            }

            if (float.IsNegativeInfinity(maximum))
            {
                return;
            }

            float sum = Exponentials(scores, count, maximum);
            float correction = Avx2Exp.Exp(Vector256.Create(state.Maximum - maximum)).ToScalar();
            state = new SoftmaxState(maximum, (state.Sum * correction) + sum);
            AddValues(scores, pv, count, headSize, correction, po);
        }
    }

    /// <summary>Scores to <c>exp(score − maximum)</c>, and their sum: score <c>j</c> goes to partial sum <c>j mod 16</c>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Exponentials(float* scores, int count, float maximum)
    {
        Vector256<float> shift = Vector256.Create(maximum);
        Vector256<float> lower = default, upper = default;
        int j = 0;
        for (; j + (2 * Lanes) <= count; j += 2 * Lanes)
        {
            Vector256<float> first = Avx2Exp.Exp(Vector256.Load(scores + j) - shift);
            Vector256<float> second = Avx2Exp.Exp(Vector256.Load(scores + j + Lanes) - shift);
            first.Store(scores + j);
            second.Store(scores + j + Lanes);
            lower += first;
            upper += second;
        }

        int rest = count - j;
        if (rest > 0)
        {
            float* padded = stackalloc float[2 * Lanes];
            new Span<float>(padded, 2 * Lanes).Fill(float.NegativeInfinity);
            Unsafe.CopyBlockUnaligned(padded, scores + j, (uint)rest * sizeof(float));
            Vector256<float> first = Avx2Exp.Exp(Vector256.Load(padded) - shift);
            Vector256<float> second = Avx2Exp.Exp(Vector256.Load(padded + Lanes) - shift);
            first.Store(padded);
            second.Store(padded + Lanes);
            Unsafe.CopyBlockUnaligned(scores + j, padded, (uint)rest * sizeof(float));
            lower += first;
            upper += second;
        }

        return Avx2Dot.Fold(lower, upper);
    }

    /// <summary><c>output[i] = output[i]·correction + Σ_j weights[j]·values[j, i]</c>, positions in ascending order.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddValues(float* weights, float* values, int count, int headSize, float correction, float* output)
    {
        Vector256<float> factor = Vector256.Create(correction);
        int i = 0;
        for (; i + (4 * Lanes) <= headSize; i += 4 * Lanes)
        {
            Vector256<float> o0 = Vector256.Load(output + i) * factor;
            Vector256<float> o1 = Vector256.Load(output + i + 8) * factor;
            Vector256<float> o2 = Vector256.Load(output + i + 16) * factor;
            Vector256<float> o3 = Vector256.Load(output + i + 24) * factor;
            float* v = values + i;
            for (int j = 0; j < count; j++, v += headSize)
            {
                Vector256<float> weight = Vector256.Create(weights[j]);
                o0 = Fma.MultiplyAdd(weight, Vector256.Load(v), o0);
                o1 = Fma.MultiplyAdd(weight, Vector256.Load(v + 8), o1);
                o2 = Fma.MultiplyAdd(weight, Vector256.Load(v + 16), o2);
                o3 = Fma.MultiplyAdd(weight, Vector256.Load(v + 24), o3);
            }

            o0.Store(output + i);
            o1.Store(output + i + 8);
            o2.Store(output + i + 16);
            o3.Store(output + i + 24);
        }

        for (; i + Lanes <= headSize; i += Lanes)
        {
            Vector256<float> sum = Vector256.Load(output + i) * factor;
            for (int j = 0; j < count; j++)
            {
                sum = Fma.MultiplyAdd(Vector256.Create(weights[j]), Vector256.Load(values + ((nint)j * headSize) + i), sum);
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
