using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace NativeSplit.Kernels.Simd;

/// <summary>Byte shuffles that several formats share. Portable vectors: each maps to one to three AVX2 instructions.</summary>
internal static unsafe class Unpacking
{
    private const float TwoTo112 = 5.192296858534828e33f;

    /// <summary>
    /// A binary16 as float32. Moving exponent and fraction up by 13 bits gives the value times 2^−112, also for
    /// subnormals; infinity and NaN get their exponent back by hand, and adding zero makes NaN quiet.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float HalfToSingle(ushort bits)
    {
        uint magnitude = (uint)(bits & 0x7FFF) << 13;
        uint value = BitConverter.SingleToUInt32Bits(BitConverter.UInt32BitsToSingle(magnitude) * TwoTo112);
        value |= magnitude >= 0x0F80_0000 ? 0x7F80_0000u : 0u;
        value = BitConverter.SingleToUInt32Bits(BitConverter.UInt32BitsToSingle(value) + 0f);
        return BitConverter.UInt32BitsToSingle(value | ((uint)(bits & 0x8000) << 16));
    }

    /// <summary>As <see cref="HalfToSingle(ushort)"/> for 8 values in the low halves of the lanes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> HalfToSingle(Vector256<uint> bits)
    {
        Vector256<uint> magnitude = (bits & Vector256.Create(0x7FFFu)) << 13;
        Vector256<uint> value = (magnitude.AsSingle() * Vector256.Create(TwoTo112)).AsUInt32();
        Vector256<uint> special = Vector256.GreaterThan(magnitude.AsInt32(), Vector256.Create(0x0F7F_FFFF)).AsUInt32();
        Vector256<uint> sign = (bits & Vector256.Create(0x8000u)) << 16;
        value = ((value | (special & Vector256.Create(0x7F80_0000u))).AsSingle() + Vector256<float>.Zero).AsUInt32();
        return (value | sign).AsSingle();
    }

    /// <summary>As <see cref="HalfToSingle(ushort)"/> for 16 values in the low halves of the lanes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> HalfToSingle(Vector512<uint> bits)
    {
        Vector512<uint> magnitude = (bits & Vector512.Create(0x7FFFu)) << 13;
        Vector512<uint> value = (magnitude.AsSingle() * Vector512.Create(TwoTo112)).AsUInt32();
        Vector512<uint> special = Vector512.GreaterThan(magnitude.AsInt32(), Vector512.Create(0x0F7F_FFFF)).AsUInt32();
        Vector512<uint> sign = (bits & Vector512.Create(0x8000u)) << 16;
        value = ((value | (special & Vector512.Create(0x7F80_0000u))).AsSingle() + Vector512<float>.Zero).AsUInt32();
        return (value | sign).AsSingle();
    }

    /// <summary>The binary16 at an address, as float32.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float ReadHalf(byte* address) => HalfToSingle(Unsafe.ReadUnaligned<ushort>(address));

    /// <summary>The two neighbouring binary16 at an address, as lanes 0 and 1: one conversion for both.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> ReadHalfPair(byte* address)
    {
        Vector128<uint> bits = Vector128.WidenLower(Vector128.CreateScalar(Unsafe.ReadUnaligned<uint>(address)).AsUInt16());
        Vector128<uint> magnitude = (bits & Vector128.Create(0x7FFFu)) << 13;
        Vector128<uint> value = (magnitude.AsSingle() * Vector128.Create(TwoTo112)).AsUInt32();
        Vector128<uint> special = Vector128.GreaterThan(magnitude.AsInt32(), Vector128.Create(0x0F7F_FFFF)).AsUInt32();
        Vector128<uint> sign = (bits & Vector128.Create(0x8000u)) << 16;
        value = ((value | (special & Vector128.Create(0x7F80_0000u))).AsSingle() + Vector128<float>.Zero).AsUInt32();
        return (value | sign).AsSingle();
    }

    /// <summary>16 bytes to 32 nibbles: the low ones, then the high ones.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Nibbles(byte* address)
    {
        Vector128<byte> packed = Vector128.Load(address);
        return Vector256.Create(packed, (packed.AsUInt16() >> 4).AsByte()) & Vector256.Create((byte)15);
    }

    /// <summary>32 bytes shifted right; bits of the neighbour that come in from the left are for the caller to mask.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> LoadShifted(byte* address, int shift) => (Vector256.Load(address).AsUInt16() >> shift).AsByte();

    /// <summary>Bit <c>j</c> of 32 bits to byte <c>j</c>: <paramref name="value"/> where the bit is set, else 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> SpreadBits(uint bits, byte value)
    {
        Vector128<byte> all = Vector128.Create(bits).AsByte();
        Vector256<byte> spread = Vector256.Create(
            Vector128.ShuffleNative(all, Vector128.Create((byte)0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1)),
            Vector128.ShuffleNative(all, Vector128.Create((byte)2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3)));
        Vector256<byte> own = Vector256.Create(0x8040_2010_0804_0201ul).AsByte();
        return Vector256.Equals(spread & own, own) & Vector256.Create(value);
    }

    /// <summary><paramref name="value"/> where any bit of the mask is set in the byte, else 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> WhereBit(Vector256<byte> bytes, int bit, byte value)
    {
        Vector256<byte> mask = Vector256.Create((byte)(1 << bit));
        return Vector256.Equals(bytes & mask, mask) & Vector256.Create(value);
    }
}
