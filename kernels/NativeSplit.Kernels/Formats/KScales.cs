using System.Runtime.CompilerServices;

namespace NativeSplit.Kernels.Formats;

/// <summary>The 6-bit scales and minima that the K formats pack into 12 bytes.</summary>
internal static class KScales
{
    /// <summary>Q4_K, Q5_K: scale of group 0–7. GGML's <c>get_scale_min_k4</c>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Scale(ReadOnlySpan<byte> packed, int group) => group < 4
        ? packed[group] & 63
        : (packed[group + 4] & 15) | (packed[group - 4] >> 6 << 4);

    /// <summary>Q4_K, Q5_K: minimum of group 0–7. GGML's <c>get_scale_min_k4</c>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Minimum(ReadOnlySpan<byte> packed, int group) => group < 4
        ? packed[group + 4] & 63
        : (packed[group + 4] >> 4) | (packed[group] >> 6 << 4);

    /// <summary>Q3_K: scale of half group 0–15, before 32 is taken off. Low nibbles in bytes 0–7, high bit pairs in bytes 8–11.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Q3Scale(ReadOnlySpan<byte> packed, int index)
    {
        int low = (packed[index & 7] >> (4 * (index >> 3))) & 15;
        int high = (packed[8 + (index & 3)] >> (2 * (index >> 2))) & 3;
        return low | (high << 4);
    }
}
