using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using X86Avx2 = System.Runtime.Intrinsics.X86.Avx2;

namespace NativeSplit.Kernels.Avx2;

/// <summary>Pieces of packed products that several types share.</summary>
internal static unsafe class Avx2Quads
{
    /// <summary>4 nibble quads of a half: low, high, low, high nibbles of two vectors.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Nibbles(byte* group, int half, out Vector256<byte> w0, out Vector256<byte> w1, out Vector256<byte> w2, out Vector256<byte> w3)
    {
        Vector256<byte> mask = Vector256.Create((byte)15);
        Vector256<byte> first = Vector256.Load(group + (64 * half));
        Vector256<byte> second = Vector256.Load(group + (64 * half) + 32);
        w0 = first & mask;
        w1 = (first.AsUInt16() >> 4).AsByte() & mask;
        w2 = second & mask;
        w3 = (second.AsUInt16() >> 4).AsByte() & mask;
    }

    /// <summary>4 activations, broadcast to all rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<sbyte> Broadcast(byte* x) => Vector256.Create(Unsafe.ReadUnaligned<int>(x)).AsSByte();

    /// <summary>A number of a block of activations, broadcast to all rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Meta(byte* x, int offset) => Vector256.Create(Unsafe.ReadUnaligned<float>(x + offset));

    /// <summary>Products of unsigned weights and activations, neighbours added: 16-bit lanes. The caller makes sure that nothing saturates.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<short> Products(Vector256<byte> w, byte* x) => X86Avx2.MultiplyAddAdjacent(w, Broadcast(x));

    /// <summary>Products of 4 quads, added in 16 bits: lanes up to 8·max(q)·127 in magnitude, which stays below 2¹⁵ for q up to 31.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<short> Products(Vector256<byte> w0, Vector256<byte> w1, Vector256<byte> w2, Vector256<byte> w3, byte* x) =>
        (Products(w0, x) + Products(w1, x + 4)) + (Products(w2, x + 8) + Products(w3, x + 12));

    /// <summary>8 unsigned scales as twice the same 16-bit number in every lane.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<short> UnsignedScales(byte* scales)
    {
        Vector256<int> wide = X86Avx2.ConvertToVector256Int32(scales);
        return (wide | (wide << 16)).AsInt16();
    }

    /// <summary>8 signed scales as twice the same 16-bit number in every lane.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<short> SignedScales(byte* scales)
    {
        Vector256<int> upper = X86Avx2.ConvertToVector256Int32((sbyte*)scales) << 16;
        return (upper | (upper >>> 16)).AsInt16();
    }

    /// <summary>8 binary16 as float32; none is infinite or NaN (<see cref="PackedWeights.HasFiniteScales"/>).</summary>
    /// <remarks>
    /// Ordinary numbers: exponent and fraction in their places, the exponent's bias made good. Subnormal ones, which the K formats' scales
    /// often are: the fraction below an exponent, which is taken off again. No step meets a subnormal float32, which costs a hundred cycles.
    /// </remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Halves(byte* source)
    {
        Vector256<int> bits = X86Avx2.ConvertToVector256Int32((ushort*)source);
        Vector256<int> magnitude = (bits & Vector256.Create(0x7FFF)) << 13;
        Vector256<float> ordinary = (magnitude + Vector256.Create(112 << 23)).AsSingle();
        Vector256<float> lowest = Vector256.Create(113 << 23).AsSingle();
        Vector256<float> small = (magnitude + Vector256.Create(113 << 23)).AsSingle() - lowest;
        Vector256<float> isSmall = X86Avx2.CompareGreaterThan(Vector256.Create(1 << 23), magnitude).AsSingle();
        Vector256<float> value = Avx.BlendVariable(ordinary, small, isSmall);
        return value | ((bits & Vector256.Create(0x8000)) << 16).AsSingle();
    }
}
