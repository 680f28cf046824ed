using System.Runtime.CompilerServices;
using ILGPU;

namespace NativeSplit.Kernels.Ilgpu.Portable;

/// <summary>
/// Q4_K: 32 words of nibbles per 256 weights; scales are four words: d and dmin in binary16, then the 12 bytes of 6-bit scales and
/// minima. Word 8p + k holds weights 4k to 4k + 3 of group 2p low, of group 2p + 1 high.
/// </summary>
internal readonly struct Q4_KFormat : IDeviceFormat
{
    public int ColumnA(int unit) => (256 * (unit / 32)) + (64 * (unit / 8 % 4)) + (4 * (unit % 8));

    public int ColumnB(int unit) => ColumnA(unit) + 32;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Octet Load(ArrayView<int> quants, int quantStart, ArrayView<int> scales, int scaleStart, int unit)
    {
        int header = scaleStart + (4 * (unit / 32));
        int group = 2 * (unit / 8 % 4);
        int q = quants[quantStart + unit];
        float d = DeviceMath.Half(scales[header] & 0xFFFF);
        float dmin = DeviceMath.Half((scales[header] >> 16) & 0xFFFF);
        return new Octet
        {
            A = Unpack(q, d * Scale(scales, header + 1, group), dmin * Minimum(scales, header + 1, group)),
            B = Unpack(q >> 4, d * Scale(scales, header + 1, group + 1), dmin * Minimum(scales, header + 1, group + 1)),
        };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Quad Unpack(int q, float scale, float minimum) => new()
    {
        X = (scale * (q & 15)) - minimum,
        Y = (scale * ((q >> 8) & 15)) - minimum,
        Z = (scale * ((q >> 16) & 15)) - minimum,
        W = (scale * ((q >> 24) & 15)) - minimum,
    };

    // GGML's get_scale_min_k4.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Scale(ArrayView<int> words, int start, int group) => group < 4
        ? Scales.ByteAt(words, start, group) & 63
        : (Scales.ByteAt(words, start, group + 4) & 15) | (Scales.ByteAt(words, start, group - 4) >> 6 << 4);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Minimum(ArrayView<int> words, int start, int group) => group < 4
        ? Scales.ByteAt(words, start, group + 4) & 63
        : (Scales.ByteAt(words, start, group + 4) >> 4) | (Scales.ByteAt(words, start, group) >> 6 << 4);
}

/// <summary>
/// Q6_K: 48 words per 256 weights, 32 of low nibbles and 16 of high bit pairs; scales are five words: 16 signed bytes, then d in
/// binary16. Low word 16h + 8r + k holds weights 4k to 4k + 3 of quarter r of half h low, of quarter r + 2 high.
/// </summary>
internal readonly struct Q6_KFormat : IDeviceFormat
{
    public int ColumnA(int unit) => (256 * (unit / 32)) + (128 * (unit / 16 % 2)) + (32 * (unit / 8 % 2)) + (4 * (unit % 8));

    public int ColumnB(int unit) => ColumnA(unit) + 64;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Octet Load(ArrayView<int> quants, int quantStart, ArrayView<int> scales, int scaleStart, int unit)
    {
        int block = unit / 32;
        int half = unit / 16 % 2;
        int quarter = unit / 8 % 2;
        int word = unit % 8;
        int start = quantStart + (48 * block);
        int header = scaleStart + (5 * block);
        int low = quants[start + (unit % 32)];
        int high = quants[start + 32 + (8 * half) + word] >> (2 * quarter);
        float d = DeviceMath.Half(scales[header + 4] & 0xFFFF);
        int index = (8 * half) + (2 * quarter) + (word / 4);
        return new Octet
        {
            A = Unpack(low, high, d * Signed(Scales.ByteAt(scales, header, index))),
            B = Unpack(low >> 4, high >> 4, d * Signed(Scales.ByteAt(scales, header, index + 4))),
        };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Quad Unpack(int low, int high, float scale) => new()
    {
        X = scale * (((low & 15) | ((high & 3) << 4)) - 32),
        Y = scale * ((((low >> 8) & 15) | (((high >> 8) & 3) << 4)) - 32),
        Z = scale * ((((low >> 16) & 15) | (((high >> 16) & 3) << 4)) - 32),
        W = scale * ((((low >> 24) & 15) | (((high >> 24) & 3) << 4)) - 32),
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Signed(int value) => (value << 24) >> 24;
}
