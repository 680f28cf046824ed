using System.Buffers.Binary;
using NativeSplit.Kernels.Formats;

namespace NativeSplit.Kernels.Scalar;

/// <summary>Widening of the 4-bit formats with uneven steps: the specification.</summary>
internal static class ScalarNonlinearFormats
{
    /// <summary>d f16, 16 bytes of nibbles: <c>d·level[q]</c>.</summary>
    public static void WidenIQ4_NL(ReadOnlySpan<byte> block, Span<float> y) =>
        WidenNibbles(ScalarLegacyFormats.ReadHalf(block, 0), block.Slice(2, 16), y);

    /// <summary>d f16, 16 high bit pairs, 8 low nibbles of scales, 128 bytes of nibbles: <c>d·(scale − 32)·level[q]</c>.</summary>
    public static void WidenIQ4_XS(ReadOnlySpan<byte> block, Span<float> y)
    {
        float d = ScalarLegacyFormats.ReadHalf(block, 0);
        int high = BinaryPrimitives.ReadUInt16LittleEndian(block[2..]);
        for (int group = 0; group < 8; group++)
        {
            int scale = ((block[4 + (group / 2)] >> (4 * (group % 2))) & 15) | (((high >> (2 * group)) & 3) << 4);
            WidenNibbles(d * (scale - 32), block.Slice(8 + (16 * group), 16), y.Slice(32 * group, 32));
        }
    }

    private static void WidenNibbles(float d, ReadOnlySpan<byte> nibbles, Span<float> y)
    {
        for (int j = 0; j < 16; j++)
        {
            y[j] = d * NonlinearLevels.Values[nibbles[j] & 15];
            y[j + 16] = d * NonlinearLevels.Values[nibbles[j] >> 4];
        }
    }
}
