using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using NativeSplit.Kernels.Avx2;
using X86Avx2 = System.Runtime.Intrinsics.X86.Avx2;

namespace NativeSplit.Kernels.Avx512;

/// <summary>Pieces of packed products on 512-bit vectors: lower half one panel, upper half the next, so 16 rows.</summary>
/// <remarks>What portable vectors lack is done in two halves where the processor has no AVX-512: that is for tests.</remarks>
internal static unsafe class Avx512Quads
{
    /// <summary>The same 32 bytes of two panels.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> Load(byte* source, nint next) => Vector512.Create(Vector256.Load(source), Vector256.Load(source + next));

    /// <summary>4 nibble quads of a half: low, high, low, high nibbles of two vectors.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Nibbles(byte* group, nint next, int half, out Vector512<byte> w0, out Vector512<byte> w1, out Vector512<byte> w2, out Vector512<byte> w3)
    {
        Vector512<byte> mask = Vector512.Create((byte)15);
        Vector512<byte> first = Load(group + (64 * half), next);
        Vector512<byte> second = Load(group + (64 * half) + 32, next);
        w0 = first & mask;
        w1 = (first.AsUInt16() >> 4).AsByte() & mask;
        w2 = second & mask;
        w3 = (second.AsUInt16() >> 4).AsByte() & mask;
    }

    /// <summary>4 activations, broadcast to all rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<sbyte> Broadcast(byte* x) => Vector512.Create(Unsafe.ReadUnaligned<int>(x)).AsSByte();

    /// <summary>Products of unsigned and signed bytes, neighbours added: 16-bit lanes. The caller makes sure that nothing saturates.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<short> MultiplyAdd(Vector512<byte> w, Vector512<sbyte> x) => Avx512BW.IsSupported
        ? Avx512BW.MultiplyAddAdjacent(w, x)
        : Vector512.Create(
            X86Avx2.MultiplyAddAdjacent(w.GetLower(), x.GetLower()),
            X86Avx2.MultiplyAddAdjacent(w.GetUpper(), x.GetUpper()));

    /// <summary>Products of 16-bit numbers, neighbours added: 32-bit lanes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> MultiplyAdd(Vector512<short> a, Vector512<short> b) => Avx512BW.IsSupported
        ? Avx512BW.MultiplyAddAdjacent(a, b)
        : Vector512.Create(
            X86Avx2.MultiplyAddAdjacent(a.GetLower(), b.GetLower()),
            X86Avx2.MultiplyAddAdjacent(a.GetUpper(), b.GetUpper()));

    /// <summary>As <see cref="Avx2Quads.Products(Vector256{byte}, byte*)"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<short> Products(Vector512<byte> w, byte* x) => MultiplyAdd(w, Broadcast(x));

    /// <summary>As <see cref="Avx2Quads.Products(Vector256{byte}, Vector256{byte}, Vector256{byte}, Vector256{byte}, byte*)"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<short> Products(Vector512<byte> w0, Vector512<byte> w1, Vector512<byte> w2, Vector512<byte> w3, byte* x) =>
        (Products(w0, x) + Products(w1, x + 4)) + (Products(w2, x + 8) + Products(w3, x + 12));

    /// <summary>16 unsigned scales as twice the same 16-bit number in every lane.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<short> UnsignedScales(byte* scales, nint next) =>
        Vector512.Create(Avx2Quads.UnsignedScales(scales), Avx2Quads.UnsignedScales(scales + next));

    /// <summary>16 signed scales as twice the same 16-bit number in every lane.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<short> SignedScales(byte* scales, nint next) =>
        Vector512.Create(Avx2Quads.SignedScales(scales), Avx2Quads.SignedScales(scales + next));

    /// <summary>16 unsigned bytes as float32.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Bytes(byte* source, nint next) => Vector512.ConvertToSingle(
        Vector512.Create(X86Avx2.ConvertToVector256Int32(source), X86Avx2.ConvertToVector256Int32(source + next)));

    /// <summary>16 binary16 as float32.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Halves(byte* source, nint next) => Vector512.Create(Avx2Quads.Halves(source), Avx2Quads.Halves(source + next));
}
