using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using NativeSplit.Kernels.Formats;

namespace NativeSplit.Kernels.Simd;

/// <summary>As <c>ScalarKFormats.WidenQ2_K</c>.</summary>
internal readonly unsafe struct Q2_K : IQuantFormat
{
    public static int BlockBytes => 84;

    public static int GroupsPerBlock => 8;

    public static bool HasOffset => true;

    public static bool HasTwoScales => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<sbyte> Unpack(byte* block, int group, out GroupScale scale)
    {
        int first = block[2 * group];
        int second = block[(2 * group) + 1];
        Vector128<float> pair = Unpacking.ReadHalfPair(block + 80);
        float d = pair.ToScalar();
        float dmin = pair.GetElement(1);
        scale = new GroupScale(d * (first & 15), d * (second & 15), -(dmin * (first >> 4)), -(dmin * (second >> 4)));
        return (Unpacking.LoadShifted(block + 16 + (32 * (group >> 2)), 2 * (group & 3)) & Vector256.Create((byte)3)).AsSByte();
    }
}

/// <summary>As <c>ScalarKFormats.WidenQ3_K</c>.</summary>
internal readonly unsafe struct Q3_K : IQuantFormat
{
    public static int BlockBytes => 110;

    public static int GroupsPerBlock => 8;

    public static bool HasOffset => false;

    public static bool HasTwoScales => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<sbyte> Unpack(byte* block, int group, out GroupScale scale)
    {
        float d = Unpacking.ReadHalf(block + 108);
        var scales = new ReadOnlySpan<byte>(block + 96, 12);
        scale = new GroupScale(d * (KScales.Q3Scale(scales, 2 * group) - 32), d * (KScales.Q3Scale(scales, (2 * group) + 1) - 32));
        Vector256<byte> low = Unpacking.LoadShifted(block + 32 + (32 * (group >> 2)), 2 * (group & 3)) & Vector256.Create((byte)3);
        Vector256<byte> third = Unpacking.WhereBit(Vector256.Load(block), group, 4);
        return (low | third).AsSByte() - Vector256.Create((sbyte)4);
    }
}

/// <summary>As <c>ScalarKFormats.WidenQ4_K</c>.</summary>
internal readonly unsafe struct Q4_K : IQuantFormat
{
    public static int BlockBytes => 144;

    public static int GroupsPerBlock => 8;

    public static bool HasOffset => true;

    public static bool HasTwoScales => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<sbyte> Unpack(byte* block, int group, out GroupScale scale)
    {
        var scales = new ReadOnlySpan<byte>(block + 4, 12);
        Vector128<int> steps = Vector128.Create(KScales.Scale(scales, group), KScales.Minimum(scales, group), 0, 0);
        Vector128<float> scaled = Unpacking.ReadHalfPair(block) * Vector128.ConvertToSingle(steps);
        scale = new GroupScale(scaled.ToScalar(), firstOffset: -scaled.GetElement(1));
        return (Unpacking.LoadShifted(block + 16 + (32 * (group >> 1)), 4 * (group & 1)) & Vector256.Create((byte)15)).AsSByte();
    }
}

/// <summary>As <c>ScalarKFormats.WidenQ5_K</c>.</summary>
internal readonly unsafe struct Q5_K : IQuantFormat
{
    public static int BlockBytes => 176;

    public static int GroupsPerBlock => 8;

    public static bool HasOffset => true;

    public static bool HasTwoScales => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<sbyte> Unpack(byte* block, int group, out GroupScale scale)
    {
        var scales = new ReadOnlySpan<byte>(block + 4, 12);
        Vector128<int> steps = Vector128.Create(KScales.Scale(scales, group), KScales.Minimum(scales, group), 0, 0);
        Vector128<float> scaled = Unpacking.ReadHalfPair(block) * Vector128.ConvertToSingle(steps);
        scale = new GroupScale(scaled.ToScalar(), firstOffset: -scaled.GetElement(1));
        Vector256<byte> low = Unpacking.LoadShifted(block + 48 + (32 * (group >> 1)), 4 * (group & 1)) & Vector256.Create((byte)15);
        Vector256<byte> fifth = Unpacking.WhereBit(Vector256.Load(block + 16), group, 16);
        return (low | fifth).AsSByte();
    }
}

/// <summary>As <c>ScalarKFormats.WidenQ6_K</c>.</summary>
internal readonly unsafe struct Q6_K : IQuantFormat
{
    public static int BlockBytes => 210;

    public static int GroupsPerBlock => 8;

    public static bool HasOffset => false;

    public static bool HasTwoScales => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<sbyte> Unpack(byte* block, int group, out GroupScale scale)
    {
        float d = Unpacking.ReadHalf(block + 208);
        var scales = (sbyte*)(block + 192);
        scale = new GroupScale(d * scales[2 * group], d * scales[(2 * group) + 1]);
        int half = group >> 2;
        int quarter = group & 3;
        Vector256<byte> low = Unpacking.LoadShifted(block + (64 * half) + (32 * (quarter & 1)), 4 * (quarter >> 1)) & Vector256.Create((byte)15);
        Vector256<byte> high = Unpacking.LoadShifted(block + 128 + (32 * half), 2 * quarter) & Vector256.Create((byte)3);
        return (low | (high.AsUInt16() << 4).AsByte()).AsSByte() - Vector256.Create((sbyte)32);
    }
}
