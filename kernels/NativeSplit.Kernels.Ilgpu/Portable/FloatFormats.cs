using System.Runtime.CompilerServices;
using ILGPU;
using DeviceBits = ILGPU.Interop;

namespace NativeSplit.Kernels.Ilgpu.Portable;

/// <summary>F32: eight words per unit, no scales.</summary>
internal readonly struct F32Format : IDeviceFormat
{
    public int ColumnA(int unit) => 8 * unit;

    public int ColumnB(int unit) => (8 * unit) + 4;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Octet Load(ArrayView<int> quants, int quantStart, ArrayView<int> scales, int scaleStart, int unit)
    {
        ArrayView<Quad> words = quants.Cast<Quad>();
        int first = (quantStart / 4) + (2 * unit);
        return new Octet { A = words[first], B = words[first + 1] };
    }
}

/// <summary>F16: four words per unit, no scales.</summary>
internal readonly struct F16Format : IDeviceFormat
{
    public int ColumnA(int unit) => 8 * unit;

    public int ColumnB(int unit) => (8 * unit) + 4;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Octet Load(ArrayView<int> quants, int quantStart, ArrayView<int> scales, int scaleStart, int unit)
    {
        int first = quantStart + (4 * unit);
        return new Octet { A = Widen(quants[first], quants[first + 1]), B = Widen(quants[first + 2], quants[first + 3]) };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Quad Widen(int first, int second) => new()
    {
        X = DeviceMath.Half(first & 0xFFFF),
        Y = DeviceMath.Half((first >> 16) & 0xFFFF),
        Z = DeviceMath.Half(second & 0xFFFF),
        W = DeviceMath.Half((second >> 16) & 0xFFFF),
    };
}

/// <summary>BF16: four words per unit, no scales.</summary>
internal readonly struct BF16Format : IDeviceFormat
{
    public int ColumnA(int unit) => 8 * unit;

    public int ColumnB(int unit) => (8 * unit) + 4;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Octet Load(ArrayView<int> quants, int quantStart, ArrayView<int> scales, int scaleStart, int unit)
    {
        int first = quantStart + (4 * unit);
        return new Octet { A = Widen(quants[first], quants[first + 1]), B = Widen(quants[first + 2], quants[first + 3]) };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Quad Widen(int first, int second) => new()
    {
        X = DeviceBits.IntAsFloat((uint)first << 16),
        Y = DeviceBits.IntAsFloat((uint)first & 0xFFFF0000u),
        Z = DeviceBits.IntAsFloat((uint)second << 16),
        W = DeviceBits.IntAsFloat((uint)second & 0xFFFF0000u),
    };
}
