using System.Runtime.CompilerServices;
using NativeSplit.Kernels.Formats;

namespace NativeSplit.Kernels.Packing;

/// <summary>Moves one stored block of a row to its places in a panel.</summary>
/// <remarks>Works on quads: 4 neighbouring columns are 4 neighbouring bytes in every stored format, shifted and masked together.</remarks>
[SkipLocalsInit]
internal static unsafe class BlockPacker
{
    private const int Quads = PackedLayout.GroupColumns / 4;
    private const uint LowNibbles = 0x0F0F_0F0F;
    private const uint LowPairs = 0x0303_0303;
    private const uint LowBits = 0x0101_0101;

    /// <summary>Packs a block.</summary>
    /// <param name="layout">Layout of the type.</param>
    /// <param name="source">The stored block.</param>
    /// <param name="row">Row of the panel.</param>
    /// <param name="target">The packed block: header first.</param>
    public static void Pack(in PackedLayout layout, byte* source, int row, byte* target)
    {
        switch (layout.Type)
        {
            case WeightType.Q4_0 or WeightType.IQ4_NL: PackQ4_0(source, row, target); break;
            case WeightType.Q8_0: PackQ8_0(source, row, target); break;
            case WeightType.Q4_K: PackQ4_K(layout, source, row, target); break;
            case WeightType.Q5_K: PackQ5_K(layout, source, row, target); break;
            case WeightType.Q6_K: PackQ6_K(layout, source, row, target); break;
            default: throw new ArgumentOutOfRangeException(nameof(layout), layout.Type, "This weight type isn't packed.");
        }
    }

    private static void PackQ4_0(byte* source, int row, byte* target)
    {
        CopyHalf(source, target, row);
        uint* quads = stackalloc uint[Quads];
        for (int i = 0; i < Quads; i++)
        {
            quads[i] = (Read(source + 2 + (4 * (i & 3))) >> (4 * (i >> 2))) & LowNibbles;
        }

        WriteNibbles(quads, row, target + 16);
    }

    private static void PackQ8_0(byte* source, int row, byte* target)
    {
        CopyHalf(source, target, row);
        for (int i = 0; i < Quads; i++)
        {
            Write(target + 16 + (32 * i) + (4 * row), Read(source + 2 + (4 * i)));
        }
    }

    private static void PackQ4_K(in PackedLayout layout, byte* source, int row, byte* target)
    {
        CopyHalf(source, target, row);
        CopyHalf(source + 2, target + 16, row);
        uint* quads = stackalloc uint[Quads];
        for (int group = 0; group < layout.GroupsPerBlock; group++)
        {
            byte* place = target + layout.HeaderBytes + (group * layout.GroupBytes);
            for (int i = 0; i < Quads; i++)
            {
                quads[i] = (Read(source + 16 + (32 * (group / 2)) + (4 * i)) >> (4 * (group & 1))) & LowNibbles;
            }

            WriteNibbles(quads, row, place);
            WriteScales(source + 4, group, row, place + PackedLayout.BehindNibbles);
        }
    }

    private static void PackQ5_K(in PackedLayout layout, byte* source, int row, byte* target)
    {
        CopyHalf(source, target, row);
        CopyHalf(source + 2, target + 16, row);
        uint* quads = stackalloc uint[Quads];
        for (int group = 0; group < layout.GroupsPerBlock; group++)
        {
            byte* place = target + layout.HeaderBytes + (group * layout.GroupBytes);
            uint fifth = 0;
            for (int i = 0; i < Quads; i++)
            {
                quads[i] = (Read(source + 48 + (32 * (group / 2)) + (4 * i)) >> (4 * (group & 1))) & LowNibbles;
                fifth |= ((Read(source + 16 + (4 * i)) >> group) & LowBits) << i;
            }

            WriteNibbles(quads, row, place);
            Write(place + PackedLayout.BehindNibbles + (4 * row), fifth);
            WriteScales(source + 4, group, row, place + PackedLayout.BehindNibbles + 32);
        }
    }

    private static void PackQ6_K(in PackedLayout layout, byte* source, int row, byte* target)
    {
        CopyHalf(source + 208, target, row);
        uint* quads = stackalloc uint[Quads];
        uint* upper = stackalloc uint[2];
        for (int group = 0; group < layout.GroupsPerBlock; group++)
        {
            byte* place = target + layout.HeaderBytes + (group * layout.GroupBytes);
            int half = group / 4;
            int quarter = group % 4;
            upper[0] = upper[1] = 0;
            for (int i = 0; i < Quads; i++)
            {
                quads[i] = (Read(source + (64 * half) + (32 * (quarter % 2)) + (4 * i)) >> (4 * (quarter / 2))) & LowNibbles;
                upper[i / 4] |= ((Read(source + 128 + (32 * half) + (4 * i)) >> (2 * quarter)) & LowPairs) << (2 * (i % 4));
            }

            WriteNibbles(quads, row, place);
            Write(place + PackedLayout.BehindNibbles + (4 * row), upper[0]);
            Write(place + PackedLayout.BehindNibbles + 32 + (4 * row), upper[1]);
            place[PackedLayout.BehindNibbles + 64 + row] = source[192 + (2 * group)];
            place[PackedLayout.BehindNibbles + 72 + row] = source[192 + (2 * group) + 1];
        }
    }

    private static void WriteNibbles(uint* quads, int row, byte* group)
    {
        for (int i = 0; i < Quads; i += 2)
        {
            Write(group + (16 * i) + (4 * row), quads[i] | (quads[i + 1] << 4));
        }
    }

    private static void WriteScales(byte* packed, int group, int row, byte* target)
    {
        var scales = new ReadOnlySpan<byte>(packed, 12);
        target[row] = (byte)KScales.Scale(scales, group);
        target[PackedLayout.PanelRows + row] = (byte)KScales.Minimum(scales, group);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void CopyHalf(byte* source, byte* target, int row) =>
        Unsafe.WriteUnaligned(target + (2 * row), Unsafe.ReadUnaligned<ushort>(source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Read(byte* source) => Unsafe.ReadUnaligned<uint>(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Write(byte* target, uint value) => Unsafe.WriteUnaligned(target, value);
}
