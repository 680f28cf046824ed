using NativeSplit.Kernels.Formats;

namespace NativeSplit.Kernels.Scalar;

/// <summary>Widening of the 256-weight formats with two levels of scales: the specification.</summary>
/// <remarks>
/// A block is taken in 8 groups of 32 weights, the unit that the SIMD sets unpack. Byte offsets are those of GGML's
/// <c>block_q*_K</c>. Products and differences round separately, as GGML's <c>dequantize_row_*</c> do.
/// </remarks>
internal static class ScalarKFormats
{
    private const int Groups = 8;
    private const int GroupLength = 32;

    /// <summary>16 scale/minimum nibbles, 64 bytes of 2-bit weights, d f16, dmin f16: <c>d·scale·q − dmin·minimum</c>.</summary>
    public static void WidenQ2_K(ReadOnlySpan<byte> block, Span<float> y)
    {
        ReadOnlySpan<byte> scales = block[..16];
        float d = ScalarLegacyFormats.ReadHalf(block, 80);
        float dmin = ScalarLegacyFormats.ReadHalf(block, 82);
        for (int i = 0; i < Groups * GroupLength; i++)
        {
            int group = i / GroupLength;
            byte scale = scales[i / 16];
            int q = (block[16 + (32 * (group / 4)) + (i % 32)] >> (2 * (group % 4))) & 3;
            y[i] = (d * (scale & 15) * q) - (dmin * (scale >> 4));
        }
    }

    /// <summary>32 bytes of third bits, 64 bytes of 2-bit weights, 12 bytes of 6-bit scales, d f16: <c>d·(scale − 32)·(q − 4)</c>.</summary>
    public static void WidenQ3_K(ReadOnlySpan<byte> block, Span<float> y)
    {
        ReadOnlySpan<byte> scales = block.Slice(96, 12);
        float d = ScalarLegacyFormats.ReadHalf(block, 108);
        for (int i = 0; i < Groups * GroupLength; i++)
        {
            int group = i / GroupLength;
            int low = (block[32 + (32 * (group / 4)) + (i % 32)] >> (2 * (group % 4))) & 3;
            int high = (block[i % 32] >> group) & 1;
            y[i] = d * (KScales.Q3Scale(scales, i / 16) - 32) * (low + (4 * high) - 4);
        }
    }

    /// <summary>d f16, dmin f16, 12 bytes of 6-bit scales and minima, 128 bytes of nibbles: <c>d·scale·q − dmin·minimum</c>.</summary>
    public static void WidenQ4_K(ReadOnlySpan<byte> block, Span<float> y)
    {
        float d = ScalarLegacyFormats.ReadHalf(block, 0);
        float dmin = ScalarLegacyFormats.ReadHalf(block, 2);
        ReadOnlySpan<byte> scales = block.Slice(4, 12);
        for (int i = 0; i < Groups * GroupLength; i++)
        {
            int group = i / GroupLength;
            int q = (block[16 + (32 * (group / 2)) + (i % 32)] >> (4 * (group % 2))) & 15;
            y[i] = (d * KScales.Scale(scales, group) * q) - (dmin * KScales.Minimum(scales, group));
        }
    }

    /// <summary>As Q4_K with 32 bytes of fifth bits before the nibbles.</summary>
    public static void WidenQ5_K(ReadOnlySpan<byte> block, Span<float> y)
    {
        float d = ScalarLegacyFormats.ReadHalf(block, 0);
        float dmin = ScalarLegacyFormats.ReadHalf(block, 2);
        ReadOnlySpan<byte> scales = block.Slice(4, 12);
        for (int i = 0; i < Groups * GroupLength; i++)
        {
            int group = i / GroupLength;
            int low = (block[48 + (32 * (group / 2)) + (i % 32)] >> (4 * (group % 2))) & 15;
            int high = (block[16 + (i % 32)] >> group) & 1;
            y[i] = (d * KScales.Scale(scales, group) * (low + (16 * high))) - (dmin * KScales.Minimum(scales, group));
        }
    }

    /// <summary>128 bytes of low nibbles, 64 bytes of high bit pairs, 16 signed scales, d f16: <c>d·scale·(q − 32)</c>.</summary>
    public static void WidenQ6_K(ReadOnlySpan<byte> block, Span<float> y)
    {
        float d = ScalarLegacyFormats.ReadHalf(block, 208);
        for (int i = 0; i < Groups * GroupLength; i++)
        {
            int half = i / 128;
            int quarter = i / GroupLength % 4;
            int low = (block[(64 * half) + (32 * (quarter % 2)) + (i % 32)] >> (4 * (quarter / 2))) & 15;
            int high = (block[128 + (32 * half) + (i % 32)] >> (2 * quarter)) & 3;
            y[i] = d * (sbyte)block[192 + (i / 16)] * (low + (16 * high) - 32);
        }
    }
}
