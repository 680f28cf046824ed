using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using NativeSplit.Kernels;

namespace NativeSplit.Benchmarks;

/// <summary>The baseline of <see cref="AttendBenchmarks"/>: one query head at a time over keys kept row by row, as the engine had it first.</summary>
internal static class PerHeadAttention
{
    private const int Lanes = 8;

    /// <summary>Attention of one query over a run of positions.</summary>
    /// <param name="query">Shape [headSize], a multiple of 32.</param>
    /// <param name="keys">Shape [count, headSize].</param>
    /// <param name="values">Shape [count, headSize].</param>
    /// <param name="scale">Multiplies every score.</param>
    /// <param name="state">Running maximum and sum.</param>
    /// <param name="output">Shape [headSize].</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Attend(ReadOnlySpan<float> query, ReadOnlySpan<float> keys, ReadOnlySpan<float> values, float scale, ref SoftmaxState state, Span<float> output)
    {
        int headSize = query.Length;
        int count = keys.Length / headSize;
        Span<float> scores = stackalloc float[KeyValuePage.Positions];
        float maximum = state.Maximum;
        for (int j = 0; j < count; j++)
        {
            scores[j] = Dot(ref MemoryMarshal.GetReference(query), ref Unsafe.Add(ref MemoryMarshal.GetReference(keys), j * headSize), headSize) * scale;
            maximum = MathF.Max(maximum, scores[j]);
        }

        Vector256<float> sums = default;
        ref float first = ref MemoryMarshal.GetReference(scores);
        for (int j = 0; j < count; j += Lanes)
        {
            Vector256<float> weights = Vector256.Exp(Vector256.LoadUnsafe(ref first, (nuint)j) - Vector256.Create(maximum));
            weights.StoreUnsafe(ref first, (nuint)j);
            sums += weights;
        }

        float correction = MathF.Exp(state.Maximum - maximum);
        state = new SoftmaxState(maximum, (state.Sum * correction) + Vector256.Sum(sums));
        AddValues(scores[..count], ref MemoryMarshal.GetReference(values), correction, output);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Dot(ref float a, ref float b, int length)
    {
        Vector256<float> s0 = default, s1 = default, s2 = default, s3 = default;
        for (nuint i = 0; i < (nuint)length; i += 4 * Lanes)
        {
            s0 = Vector256.FusedMultiplyAdd(Vector256.LoadUnsafe(ref a, i), Vector256.LoadUnsafe(ref b, i), s0);
            s1 = Vector256.FusedMultiplyAdd(Vector256.LoadUnsafe(ref a, i + Lanes), Vector256.LoadUnsafe(ref b, i + Lanes), s1);
            s2 = Vector256.FusedMultiplyAdd(Vector256.LoadUnsafe(ref a, i + (2 * Lanes)), Vector256.LoadUnsafe(ref b, i + (2 * Lanes)), s2);
            s3 = Vector256.FusedMultiplyAdd(Vector256.LoadUnsafe(ref a, i + (3 * Lanes)), Vector256.LoadUnsafe(ref b, i + (3 * Lanes)), s3);
        }

        return Vector256.Sum(s0 + s2 + (s1 + s3));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddValues(ReadOnlySpan<float> weights, ref float values, float correction, Span<float> output)
    {
        nuint headSize = (nuint)output.Length;
        ref float target = ref MemoryMarshal.GetReference(output);
        Vector256<float> factor = Vector256.Create(correction);
        for (nuint i = 0; i < headSize; i += 4 * Lanes)
        {
            Vector256<float> o0 = Vector256.LoadUnsafe(ref target, i) * factor;
            Vector256<float> o1 = Vector256.LoadUnsafe(ref target, i + Lanes) * factor;
            Vector256<float> o2 = Vector256.LoadUnsafe(ref target, i + (2 * Lanes)) * factor;
            Vector256<float> o3 = Vector256.LoadUnsafe(ref target, i + (3 * Lanes)) * factor;
            nuint v = i;
            for (int j = 0; j < weights.Length; j++, v += headSize)
            {
                Vector256<float> weight = Vector256.Create(weights[j]);
                o0 = Vector256.FusedMultiplyAdd(weight, Vector256.LoadUnsafe(ref values, v), o0);
                o1 = Vector256.FusedMultiplyAdd(weight, Vector256.LoadUnsafe(ref values, v + Lanes), o1);
                o2 = Vector256.FusedMultiplyAdd(weight, Vector256.LoadUnsafe(ref values, v + (2 * Lanes)), o2);
                o3 = Vector256.FusedMultiplyAdd(weight, Vector256.LoadUnsafe(ref values, v + (3 * Lanes)), o3);
            }

            o0.StoreUnsafe(ref target, i);
            o1.StoreUnsafe(ref target, i + Lanes);
            o2.StoreUnsafe(ref target, i + (2 * Lanes));
            o3.StoreUnsafe(ref target, i + (3 * Lanes));
        }
    }
}
