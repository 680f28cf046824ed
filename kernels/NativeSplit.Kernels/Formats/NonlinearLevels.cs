namespace NativeSplit.Kernels.Formats;

/// <summary>The 16 levels that IQ4_NL and IQ4_XS choose from (GGML's <c>kvalues_iq4nl</c>).</summary>
internal static class NonlinearLevels
{
    public static ReadOnlySpan<sbyte> Values => [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113];
}
