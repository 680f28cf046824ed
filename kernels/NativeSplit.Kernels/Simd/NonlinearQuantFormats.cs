using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace NativeSplit.Kernels.Simd;

/// <summary>As <c>ScalarNonlinearFormats.WidenIQ4_NL</c>.</summary>
internal readonly unsafe struct IQ4_NL : IQuantFormat
{
    public static int BlockBytes => 18;

    /// <summary><see cref="Formats.NonlinearLevels"/>, to shuffle from.</summary>
    internal static Vector128<sbyte> LevelTable
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Vector128.Create(-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113);
    }

    public static int GroupsPerBlock => 1;

    public static bool HasOffset => false;

    public static bool HasTwoScales => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<sbyte> Unpack(byte* block, int group, out GroupScale scale)
    {
        scale = new GroupScale(Unpacking.ReadHalf(block));
        return Levels(block + 2);
    }

    /// <summary>Looks up 32 nibbles in <see cref="Formats.NonlinearLevels"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector256<sbyte> Levels(byte* packed)
    {
        Vector256<byte> nibbles = Unpacking.Nibbles(packed);
        Vector128<sbyte> levels = LevelTable;
        return Vector256.Create(
            Vector128.ShuffleNative(levels, nibbles.GetLower().AsSByte()),
            Vector128.ShuffleNative(levels, nibbles.GetUpper().AsSByte()));
    }
}

/// <summary>As <c>ScalarNonlinearFormats.WidenIQ4_XS</c>.</summary>
internal readonly unsafe struct IQ4_XS : IQuantFormat
{
    public static int BlockBytes => 136;

    public static int GroupsPerBlock => 8;

    public static bool HasOffset => false;

    public static bool HasTwoScales => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<sbyte> Unpack(byte* block, int group, out GroupScale scale)
    {
        int low = (block[4 + (group >> 1)] >> (4 * (group & 1))) & 15;
        int high = (Unsafe.ReadUnaligned<ushort>(block + 2) >> (2 * group)) & 3;
        scale = new GroupScale(Unpacking.ReadHalf(block) * ((low | (high << 4)) - 32));
        return IQ4_NL.Levels(block + 8 + (16 * group));
    }
}
