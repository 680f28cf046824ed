using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace NativeSplit.Kernels.Simd;

/// <summary>As <c>ScalarLegacyFormats.WidenQ4_0</c>.</summary>
internal readonly unsafe struct Q4_0 : IQuantFormat
{
    public static int BlockBytes => 18;

    public static int GroupsPerBlock => 1;

    public static bool HasOffset => false;

    public static bool HasTwoScales => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<sbyte> Unpack(byte* block, int group, out GroupScale scale)
    {
        scale = new GroupScale(Unpacking.ReadHalf(block));
        return Unpacking.Nibbles(block + 2).AsSByte() - Vector256.Create((sbyte)8);
    }
}

/// <summary>As <c>ScalarLegacyFormats.WidenQ4_1</c>.</summary>
internal readonly unsafe struct Q4_1 : IQuantFormat
{
    public static int BlockBytes => 20;

    public static int GroupsPerBlock => 1;

    public static bool HasOffset => true;

    public static bool HasTwoScales => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<sbyte> Unpack(byte* block, int group, out GroupScale scale)
    {
        Vector128<float> pair = Unpacking.ReadHalfPair(block);
        scale = new GroupScale(pair.ToScalar(), firstOffset: pair.GetElement(1));
        return Unpacking.Nibbles(block + 4).AsSByte();
    }
}

/// <summary>As <c>ScalarLegacyFormats.WidenQ5_0</c>.</summary>
internal readonly unsafe struct Q5_0 : IQuantFormat
{
    public static int BlockBytes => 22;

    public static int GroupsPerBlock => 1;

    public static bool HasOffset => false;

    public static bool HasTwoScales => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<sbyte> Unpack(byte* block, int group, out GroupScale scale)
    {
        scale = new GroupScale(Unpacking.ReadHalf(block));
        Vector256<byte> fifth = Unpacking.SpreadBits(Unsafe.ReadUnaligned<uint>(block + 2), 16);
        return (Unpacking.Nibbles(block + 6) | fifth).AsSByte() - Vector256.Create((sbyte)16);
    }
}

/// <summary>As <c>ScalarLegacyFormats.WidenQ5_1</c>.</summary>
internal readonly unsafe struct Q5_1 : IQuantFormat
{
    public static int BlockBytes => 24;

    public static int GroupsPerBlock => 1;

    public static bool HasOffset => true;

    public static bool HasTwoScales => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<sbyte> Unpack(byte* block, int group, out GroupScale scale)
    {
        Vector128<float> pair = Unpacking.ReadHalfPair(block);
        scale = new GroupScale(pair.ToScalar(), firstOffset: pair.GetElement(1));
        Vector256<byte> fifth = Unpacking.SpreadBits(Unsafe.ReadUnaligned<uint>(block + 4), 16);
        return (Unpacking.Nibbles(block + 8) | fifth).AsSByte();
    }
}

/// <summary>As <c>ScalarLegacyFormats.WidenQ8_0</c>.</summary>
internal readonly unsafe struct Q8_0 : IQuantFormat
{
    public static int BlockBytes => 34;

    public static int GroupsPerBlock => 1;

    public static bool HasOffset => false;

    public static bool HasTwoScales => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<sbyte> Unpack(byte* block, int group, out GroupScale scale)
    {
        scale = new GroupScale(Unpacking.ReadHalf(block));
        return Vector256.Load((sbyte*)block + 2);
    }
}
