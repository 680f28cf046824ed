using System.Buffers.Binary;

namespace NativeSplit.Kernels.Scalar;

/// <summary>Widening of the 32-weight formats with linear steps: the specification.</summary>
/// <remarks>
/// Nibble <c>j</c> of a block holds weight <c>j</c> in its low half and weight <c>j + 16</c> in its high half. Products
/// and sums round separately (no fused multiply-add), as GGML's <c>dequantize_row_*</c> do.
/// </remarks>
internal static class ScalarLegacyFormats
{
    private const int Length = 32;

    /// <summary>d f16, 16 bytes of nibbles: <c>(q − 8)·d</c>.</summary>
    public static void WidenQ4_0(ReadOnlySpan<byte> block, Span<float> y)
    {
        float d = ReadHalf(block, 0);
        ReadOnlySpan<byte> nibbles = block.Slice(2, 16);
        for (int j = 0; j < 16; j++)
        {
            y[j] = ((nibbles[j] & 15) - 8) * d;
            y[j + 16] = ((nibbles[j] >> 4) - 8) * d;
        }
    }

    /// <summary>d f16, m f16, 16 bytes of nibbles: <c>q·d + m</c>.</summary>
    public static void WidenQ4_1(ReadOnlySpan<byte> block, Span<float> y)
    {
        float d = ReadHalf(block, 0);
        float m = ReadHalf(block, 2);
        ReadOnlySpan<byte> nibbles = block.Slice(4, 16);
        for (int j = 0; j < 16; j++)
        {
            y[j] = ((nibbles[j] & 15) * d) + m;
            y[j + 16] = ((nibbles[j] >> 4) * d) + m;
        }
    }

    /// <summary>d f16, 32 fifth bits, 16 bytes of nibbles: <c>(q − 16)·d</c>.</summary>
    public static void WidenQ5_0(ReadOnlySpan<byte> block, Span<float> y)
    {
        float d = ReadHalf(block, 0);
        uint fifth = BinaryPrimitives.ReadUInt32LittleEndian(block[2..]);
        ReadOnlySpan<byte> nibbles = block.Slice(6, 16);
        for (int j = 0; j < 16; j++)
        {
            y[j] = (((nibbles[j] & 15) | FifthBit(fifth, j)) - 16) * d;
            y[j + 16] = (((nibbles[j] >> 4) | FifthBit(fifth, j + 16)) - 16) * d;
        }
    }

    /// <summary>d f16, m f16, 32 fifth bits, 16 bytes of nibbles: <c>q·d + m</c>.</summary>
    public static void WidenQ5_1(ReadOnlySpan<byte> block, Span<float> y)
    {
        float d = ReadHalf(block, 0);
        float m = ReadHalf(block, 2);
        uint fifth = BinaryPrimitives.ReadUInt32LittleEndian(block[4..]);
        ReadOnlySpan<byte> nibbles = block.Slice(8, 16);
        for (int j = 0; j < 16; j++)
        {
            y[j] = (((nibbles[j] & 15) | FifthBit(fifth, j)) * d) + m;
            y[j + 16] = (((nibbles[j] >> 4) | FifthBit(fifth, j + 16)) * d) + m;
        }
    }

    /// <summary>d f16, 32 signed bytes: <c>q·d</c>.</summary>
    public static void WidenQ8_0(ReadOnlySpan<byte> block, Span<float> y)
    {
        float d = ReadHalf(block, 0);
        for (int j = 0; j < Length; j++)
        {
            y[j] = (sbyte)block[2 + j] * d;
        }
    }

    internal static float ReadHalf(ReadOnlySpan<byte> block, int offset) => (float)BinaryPrimitives.ReadHalfLittleEndian(block[offset..]);

    private static int FifthBit(uint fifth, int index) => (int)((fifth >> index) & 1) << 4;
}
