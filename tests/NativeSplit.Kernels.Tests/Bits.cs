using System.Runtime.InteropServices;

namespace NativeSplit.Kernels.Tests;

/// <summary>Comparison of floats by their bits.</summary>
internal static class Bits
{
    public static void AssertEqual(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual, string what)
    {
        Assert.Equal(expected.Length, actual.Length);
        int common = MemoryMarshal.Cast<float, int>(expected).CommonPrefixLength(MemoryMarshal.Cast<float, int>(actual));
        Assert.True(
            common == expected.Length,
            common == expected.Length ? null : $"{what}, element {common}: expected {Show(expected[common])}, got {Show(actual[common])}");
    }

    private static string Show(float value) => $"{value:R} (0x{BitConverter.SingleToUInt32Bits(value):X8})";
}
