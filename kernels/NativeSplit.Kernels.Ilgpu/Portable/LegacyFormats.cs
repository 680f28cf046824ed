using System.Runtime.CompilerServices;
using ILGPU;

namespace NativeSplit.Kernels.Ilgpu.Portable;

/// <summary>Q4_0: four words of nibbles per 32 weights; two binary16 scales to a word. Word k holds weights 4k to 4k + 3 low, 16 on from them high.</summary>
internal readonly struct Q4_0Format : IDeviceFormat
{
    public int ColumnA(int unit) => (32 * (unit / 4)) + (4 * (unit % 4));

    public int ColumnB(int unit) => ColumnA(unit) + 16;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Octet Load(ArrayView<int> quants, int quantStart, ArrayView<int> scales, int scaleStart, int unit)
    {
        int q = quants[quantStart + unit];
        float d = Scales.HalfAt(scales, scaleStart, unit / 4);
        return new Octet { A = Unpack(q, d), B = Unpack(q >> 4, d) };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Quad Unpack(int q, float d) => new()
    {
        X = ((q & 15) - 8) * d,
        Y = (((q >> 8) & 15) - 8) * d,
        Z = (((q >> 16) & 15) - 8) * d,
        W = (((q >> 24) & 15) - 8) * d,
    };
}

/// <summary>Q8_0: eight words of signed bytes per 32 weights; two binary16 scales to a word.</summary>
internal readonly struct Q8_0Format : IDeviceFormat
{
    public int ColumnA(int unit) => 8 * unit;

    public int ColumnB(int unit) => (8 * unit) + 4;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Octet Load(ArrayView<int> quants, int quantStart, ArrayView<int> scales, int scaleStart, int unit)
    {
        int first = quantStart + (2 * unit);
        float d = Scales.HalfAt(scales, scaleStart, unit / 4);
        return new Octet { A = Unpack(quants[first], d), B = Unpack(quants[first + 1], d) };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Quad Unpack(int q, float d) => new()
    {
        X = ((q << 24) >> 24) * d,
        Y = ((q << 16) >> 24) * d,
        Z = ((q << 8) >> 24) * d,
        W = (q >> 24) * d,
    };
}

/// <summary>Reads scales out of words.</summary>
internal static class Scales
{
    /// <summary>Binary16 number <paramref name="index"/> after a word.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float HalfAt(ArrayView<int> words, int start, int index) =>
        DeviceMath.Half((words[start + (index >> 1)] >> (16 * (index & 1))) & 0xFFFF);

    /// <summary>Unsigned byte number <paramref name="index"/> after a word.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int ByteAt(ArrayView<int> words, int start, int index) => (words[start + (index >> 2)] >> (8 * (index & 3))) & 255;
}
