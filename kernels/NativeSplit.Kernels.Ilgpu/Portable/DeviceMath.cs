using System.Runtime.CompilerServices;
using DeviceBits = ILGPU.Interop;

namespace NativeSplit.Kernels.Ilgpu.Portable;

/// <summary>Arithmetic inside kernels that must not depend on a device's library.</summary>
internal static class DeviceMath
{
    private const float Log2E = 1.44269504f;

    // ln 2 in two parts (Cody and Waite 1980): the first has so few bits that its products with n are exact.
    private const float Ln2High = 0.693359375f;
    private const float Ln2Low = -2.12194440e-4f;
    private const float MinArgument = -87.3f;
    private const float MaxArgument = 88.7f;

    /// <summary>Widens binary16 bits; exact, infinities and NaN included.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Half(int bits)
    {
        int magnitude = bits & 0x7FFF;
        float value = magnitude >= 0x7C00 ? DeviceBits.IntAsFloat((uint)((magnitude << 13) | 0x7F800000))
            : magnitude >= 0x0400 ? DeviceBits.IntAsFloat((uint)((magnitude << 13) + (112 << 23)))
            : magnitude * 5.9604644775390625e-8f;
        return (bits & 0x8000) != 0 ? -value : value;
    }

    /// <summary>Exponential; 0 below −87.3, infinity above 88.7, NaN for NaN. Off by at most 2 units of the last place.</summary>
    /// <remarks>x = n·ln 2 + r, |r| ≤ ln 2 / 2; e^r by the Cephes polynomial (Moshier, <c>expf</c>); 2^n by the exponent's bits.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Exp(float x)
    {
        float clamped = x < MinArgument ? MinArgument : x > MaxArgument ? MaxArgument : x;
        float scaled = clamped * Log2E;
        int n = (int)(scaled + (scaled < 0f ? -0.5f : 0.5f));
        float r = clamped - (n * Ln2High) - (n * Ln2Low);
        float p = 1.9875691500e-4f;
        p = (p * r) + 1.3981999507e-3f;
        p = (p * r) + 8.3334519073e-3f;
        p = (p * r) + 4.1665795894e-2f;
        p = (p * r) + 1.6666665459e-1f;
        p = (p * r) + 5.0000001201e-1f;
        float result = (((p * r) * r) + r) + 1f;

        // 2^128 has no bits of its own: two steps.
        int half = n / 2;
        result *= DeviceBits.IntAsFloat((uint)((half + 127) << 23));
        result *= DeviceBits.IntAsFloat((uint)((n - half + 127) << 23));
        result = x < MinArgument ? 0f : result;
        return x <= MaxArgument ? result : x > MaxArgument ? float.PositiveInfinity : x;
    }

    /// <summary>Sigmoid linear unit: <c>x / (1 + exp(−x))</c>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Silu(float x) => x / (1f + Exp(-x));
}
