using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using NativeSplit.Kernels.Scalar;
using X86Avx2 = System.Runtime.Intrinsics.X86.Avx2;

namespace NativeSplit.Kernels.Avx2;

/// <summary>Quantisation of activations as <c>ScalarInt8</c>, 32 at a time; blocks of zeros, NaN or infinities go to it.</summary>
internal static unsafe class Avx2Int8
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
        Vector256<float> x0 = Vector256.Load(x), x1 = Vector256.Load(x + 8), x2 = Vector256.Load(x + 16), x3 = Vector256.Load(x + 24);

        // Magnitudes compare like their bits, and NaN comes above infinity.
        Vector256<int> magnitude = Vector256.Create(int.MaxValue);
        Vector256<int> largest = Vector256.Max(
            Vector256.Max(x0.AsInt32() & magnitude, x1.AsInt32() & magnitude),
            Vector256.Max(x2.AsInt32() & magnitude, x3.AsInt32() & magnitude));
        Vector128<int> four = Vector128.Max(largest.GetLower(), largest.GetUpper());
        four = Vector128.Max(four, Vector128.Shuffle(four, Vector128.Create(2, 3, 0, 1)));
        float maximum = BitConverter.Int32BitsToSingle(Math.Max(four.ToScalar(), four.GetElement(1)));
        if (!(maximum >= Int8Rows.Smallest && maximum <= float.MaxValue))
        {
            return false;
        }

        Vector256<float> inverse = Vector256.Create(127f / maximum);
        Vector256<int> q0 = Avx.ConvertToVector256Int32(x0 * inverse);
        Vector256<int> q1 = Avx.ConvertToVector256Int32(x1 * inverse);
        Vector256<int> q2 = Avx.ConvertToVector256Int32(x2 * inverse);
        Vector256<int> q3 = Avx.ConvertToVector256Int32(x3 * inverse);

        // Packing works within halves of 128 bits: dwords come out as 0 2 4 6 1 3 5 7.
        Vector256<sbyte> packed = X86Avx2.PackSignedSaturate(X86Avx2.PackSignedSaturate(q0, q1), X86Avx2.PackSignedSaturate(q2, q3));
        X86Avx2.PermuteVar8x32(packed.AsInt32(), Vector256.Create(0, 4, 1, 5, 2, 6, 3, 7)).AsByte().Store(block);
        // Each vector starts at a multiple of 4 columns, so the even 64-bit lanes of their sum are the first pairs of the quads.
        Vector256<int> lower = q0 + q1, upper = q2 + q3;
        int firstPairs = Vector256.Sum(X86Avx2.Blend(lower + upper, Vector256<int>.Zero, 0b1100_1100));
        ScalarInt8.WriteMeta(maximum, Vector256.Sum(lower), Vector256.Sum(upper), firstPairs, new Span<byte>(block, Int8Rows.BlockBytes));
        return true;
    }
}
