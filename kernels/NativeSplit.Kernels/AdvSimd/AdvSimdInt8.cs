using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using NativeSplit.Kernels.Scalar;

namespace NativeSplit.Kernels.AdvSimd;

/// <summary>Quantisation of activations as <c>ScalarInt8</c>, 32 at a time; blocks of zeros, NaN or infinities go to it.</summary>
internal static unsafe class AdvSimdInt8
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Quantize(ReadOnlySpan<float> x, Span<byte> quantized)
    {
        fixed (float* px = x)
        fixed (byte* pq = quantized)
        {
            byte* block = pq;
            for (int i = 0; i < x.Length; i += Int8Rows.BlockLength, block += Int8Rows.BlockBytes)
            {
                if (!TryQuantizeBlock(px + i, block))
                {
                    ScalarInt8.Quantize(x.Slice(i, Int8Rows.BlockLength), new Span<byte>(block, Int8Rows.BlockBytes));
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool TryQuantizeBlock(float* x, byte* block)
    {
        Vector128<float> x0 = Vector128.Load(x), x1 = Vector128.Load(x + 4), x2 = Vector128.Load(x + 8), x3 = Vector128.Load(x + 12);
        Vector128<float> x4 = Vector128.Load(x + 16), x5 = Vector128.Load(x + 20), x6 = Vector128.Load(x + 24), x7 = Vector128.Load(x + 28);

        // Magnitudes compare like their bits, and NaN comes above infinity.
        Vector128<int> largest = Vector128.Max(
            Vector128.Max(Vector128.Max(Magnitude(x0), Magnitude(x1)), Vector128.Max(Magnitude(x2), Magnitude(x3))),
            Vector128.Max(Vector128.Max(Magnitude(x4), Magnitude(x5)), Vector128.Max(Magnitude(x6), Magnitude(x7))));
        largest = Vector128.Max(largest, Vector128.Shuffle(largest, Vector128.Create(2, 3, 0, 1)));
        float maximum = BitConverter.Int32BitsToSingle(Math.Max(largest.ToScalar(), largest.GetElement(1)));
        if (!(maximum >= Int8Rows.Smallest && maximum <= float.MaxValue))
        {
            return false;
        }

        Vector128<float> inverse = Vector128.Create(127f / maximum);
        Vector128<int> q0 = Rounded(x0 * inverse), q1 = Rounded(x1 * inverse), q2 = Rounded(x2 * inverse), q3 = Rounded(x3 * inverse);
        Vector128<int> q4 = Rounded(x4 * inverse), q5 = Rounded(x5 * inverse), q6 = Rounded(x6 * inverse), q7 = Rounded(x7 * inverse);
        Vector128.Narrow(Vector128.Narrow(q0, q1), Vector128.Narrow(q2, q3)).Store((sbyte*)block);
        Vector128.Narrow(Vector128.Narrow(q4, q5), Vector128.Narrow(q6, q7)).Store((sbyte*)block + 16);

        // Each vector is a quad, so lanes 0 and 1 of their sum are the first pairs.
        Vector128<int> lower = (q0 + q1) + (q2 + q3), upper = (q4 + q5) + (q6 + q7);
        Vector128<int> both = lower + upper;
        ScalarInt8.WriteMeta(
            maximum,
            Vector128.Sum(lower),
            Vector128.Sum(upper),
            both.ToScalar() + both.GetElement(1),
            new Span<byte>(block, Int8Rows.BlockBytes));
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<int> Magnitude(Vector128<float> x) => x.AsInt32() & Vector128.Create(int.MaxValue);

    /// <summary>Half to even. The magnitude is at most 127, so that the conversion is exact.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<int> Rounded(Vector128<float> x) => Vector128.ConvertToInt32Native(Vector128.Round(x));
}
