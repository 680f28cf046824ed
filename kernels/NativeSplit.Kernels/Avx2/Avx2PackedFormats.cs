using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using NativeSplit.Kernels.Simd;
using X86Avx2 = System.Runtime.Intrinsics.X86.Avx2;

namespace NativeSplit.Kernels.Avx2;

/// <summary>
/// Q4_0. All 32 products of a row go into two 16-bit lanes: 16·15·127 = 30480 &lt; 2¹⁵. The stored integers are 8 too great; a lane
/// starts at −8 times the activations that it meets, so that it ends within 16·8·127, whatever it wraps to on the way.
/// </summary>
internal readonly unsafe struct Avx2PackedQ4_0 : IAvx2Packed
{
    public static int HeaderBytes => 16;

    public static int GroupBytes => 128;

    public static int GroupsPerBlock => 1;

    public static bool HasMinimum => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Load(byte* group, int half, out Vector256<byte> w0, out Vector256<byte> w1, out Vector256<byte> w2, out Vector256<byte> w3) =>
        Avx2Quads.Nibbles(group, half, out w0, out w1, out w2, out w3);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<short> Scale(byte* group, int half) => Vector256<short>.One;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Start(byte* x) => Avx2Quads.Broadcast(x + Int8Rows.PairSumsOffset).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Add(Vector256<int> state, Vector256<byte> w0, Vector256<byte> w1, Vector256<byte> w2, Vector256<byte> w3, byte* x, Vector256<short> scale) =>
        (state.AsInt16() + Avx2Quads.Products(w0, w1, w2, w3, x)).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Finish(Vector256<int> state, byte* group, Vector256<short> scale, byte* x) =>
        X86Avx2.MultiplyAddAdjacent(state.AsInt16(), scale);

    public static Vector256<float> Minimum(byte* group) => default;
}

/// <summary>
/// Q8_0. Signed times signed: the magnitude of the weight times the activation with the weight's sign. A pair adds up to
/// 2·128·127 = 32512 &lt; 2¹⁵ (−128 has the magnitude 128 as an unsigned byte), so every quad is widened on its own.
/// </summary>
internal readonly unsafe struct Avx2PackedQ8_0 : IAvx2Packed
{
    public static int HeaderBytes => 16;

    public static int GroupBytes => 256;

    public static int GroupsPerBlock => 1;

    public static bool HasMinimum => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Load(byte* group, int half, out Vector256<byte> w0, out Vector256<byte> w1, out Vector256<byte> w2, out Vector256<byte> w3)
    {
        group += 128 * half;
        w0 = Vector256.Load(group);
        w1 = Vector256.Load(group + 32);
        w2 = Vector256.Load(group + 64);
        w3 = Vector256.Load(group + 96);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<short> Scale(byte* group, int half) => Vector256<short>.One;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Start(byte* x) => default;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Add(Vector256<int> state, Vector256<byte> w0, Vector256<byte> w1, Vector256<byte> w2, Vector256<byte> w3, byte* x, Vector256<short> scale) =>
        state + (Quad(w0, x, scale) + Quad(w1, x + 4, scale)) + (Quad(w2, x + 8, scale) + Quad(w3, x + 12, scale));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Finish(Vector256<int> state, byte* group, Vector256<short> scale, byte* x) => state;

    public static Vector256<float> Minimum(byte* group) => default;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Quad(Vector256<byte> w, byte* x, Vector256<short> ones)
    {
        Vector256<sbyte> signed = X86Avx2.Sign(Avx2Quads.Broadcast(x), w.AsSByte());
        return X86Avx2.MultiplyAddAdjacent(X86Avx2.MultiplyAddAdjacent(X86Avx2.Abs(w.AsSByte()), signed), ones);
    }
}

/// <summary>IQ4_NL. Nibbles choose among 16 signed bytes; from there as Q8_0.</summary>
internal readonly unsafe struct Avx2PackedIQ4_NL : IAvx2Packed
{
    public static int HeaderBytes => 16;

    public static int GroupBytes => 128;

    public static int GroupsPerBlock => 1;

    public static bool HasMinimum => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Load(byte* group, int half, out Vector256<byte> w0, out Vector256<byte> w1, out Vector256<byte> w2, out Vector256<byte> w3)
    {
        Vector256<byte> levels = Vector256.Create(IQ4_NL.LevelTable, IQ4_NL.LevelTable).AsByte();
        Avx2Quads.Nibbles(group, half, out w0, out w1, out w2, out w3);
        w0 = X86Avx2.Shuffle(levels, w0);
        w1 = X86Avx2.Shuffle(levels, w1);
        w2 = X86Avx2.Shuffle(levels, w2);
        w3 = X86Avx2.Shuffle(levels, w3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<short> Scale(byte* group, int half) => Vector256<short>.One;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Start(byte* x) => default;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Add(Vector256<int> state, Vector256<byte> w0, Vector256<byte> w1, Vector256<byte> w2, Vector256<byte> w3, byte* x, Vector256<short> scale) =>
        Avx2PackedQ8_0.Add(state, w0, w1, w2, w3, x, scale);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Finish(Vector256<int> state, byte* group, Vector256<short> scale, byte* x) => state;

    public static Vector256<float> Minimum(byte* group) => default;
}

/// <summary>Q4_K. As Q4_0; the last step multiplies by the scale, at most 63, instead of one.</summary>
internal readonly unsafe struct Avx2PackedQ4_K : IAvx2Packed
{
    public static int HeaderBytes => 32;

    public static int GroupBytes => 144;

    public static int GroupsPerBlock => 8;

    public static bool HasMinimum => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Load(byte* group, int half, out Vector256<byte> w0, out Vector256<byte> w1, out Vector256<byte> w2, out Vector256<byte> w3) =>
        Avx2Quads.Nibbles(group, half, out w0, out w1, out w2, out w3);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<short> Scale(byte* group, int half) => Avx2Quads.UnsignedScales(group + 128);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Start(byte* x) => default;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Add(Vector256<int> state, Vector256<byte> w0, Vector256<byte> w1, Vector256<byte> w2, Vector256<byte> w3, byte* x, Vector256<short> scale) =>
        (state.AsInt16() + Avx2Quads.Products(w0, w1, w2, w3, x)).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Finish(Vector256<int> state, byte* group, Vector256<short> scale, byte* x) =>
        X86Avx2.MultiplyAddAdjacent(state.AsInt16(), scale);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Minimum(byte* group) => Vector256.ConvertToSingle(X86Avx2.ConvertToVector256Int32(group + 136));
}

/// <summary>Q5_K. A half's products fit 16 bits: 8·31·127 = 31496 &lt; 2¹⁵; then they are widened and scaled.</summary>
internal readonly unsafe struct Avx2PackedQ5_K : IAvx2Packed
{
    public static int HeaderBytes => 32;

    public static int GroupBytes => 176;

    public static int GroupsPerBlock => 8;

    public static bool HasMinimum => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Load(byte* group, int half, out Vector256<byte> w0, out Vector256<byte> w1, out Vector256<byte> w2, out Vector256<byte> w3)
    {
        // Bit t of a byte belongs to quad t; it goes to bit 4. Bits of the neighbour byte are masked off.
        Avx2Quads.Nibbles(group, half, out w0, out w1, out w2, out w3);
        Vector256<ushort> fifth = Vector256.Load(group + 128).AsUInt16();
        fifth = half == 0 ? fifth << 4 : fifth;
        Vector256<byte> mask = Vector256.Create((byte)16);
        w0 |= fifth.AsByte() & mask;
        w1 |= (fifth >> 1).AsByte() & mask;
        w2 |= (fifth >> 2).AsByte() & mask;
        w3 |= (fifth >> 3).AsByte() & mask;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<short> Scale(byte* group, int half) => Avx2Quads.UnsignedScales(group + 160);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Start(byte* x) => default;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Add(Vector256<int> state, Vector256<byte> w0, Vector256<byte> w1, Vector256<byte> w2, Vector256<byte> w3, byte* x, Vector256<short> scale) =>
        state + X86Avx2.MultiplyAddAdjacent(Avx2Quads.Products(w0, w1, w2, w3, x), scale);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Finish(Vector256<int> state, byte* group, Vector256<short> scale, byte* x) => state;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Minimum(byte* group) => Vector256.ConvertToSingle(X86Avx2.ConvertToVector256Int32(group + 168));
}

/// <summary>Q6_K. Two quads fit 16 bits: 4·63·127 = 32004 &lt; 2¹⁵; then they are widened and scaled. Each half has its own scale.</summary>
internal readonly unsafe struct Avx2PackedQ6_K : IAvx2Packed
{
    public static int HeaderBytes => 16;

    public static int GroupBytes => 208;

    public static int GroupsPerBlock => 8;

    public static bool HasMinimum => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Load(byte* group, int half, out Vector256<byte> w0, out Vector256<byte> w1, out Vector256<byte> w2, out Vector256<byte> w3)
    {
        // Bits 2q and 2q + 1 of a byte belong to quad q; they go to bits 4 and 5.
        Avx2Quads.Nibbles(group, half, out w0, out w1, out w2, out w3);
        Vector256<ushort> upper = Vector256.Load(group + 128 + (32 * half)).AsUInt16();
        Vector256<byte> mask = Vector256.Create((byte)48);
        w0 |= (upper << 4).AsByte() & mask;
        w1 |= (upper << 2).AsByte() & mask;
        w2 |= upper.AsByte() & mask;
        w3 |= (upper >> 2).AsByte() & mask;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<short> Scale(byte* group, int half) => Avx2Quads.SignedScales(group + 192 + (8 * half));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Start(byte* x) => default;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Add(Vector256<int> state, Vector256<byte> w0, Vector256<byte> w1, Vector256<byte> w2, Vector256<byte> w3, byte* x, Vector256<short> scale)
    {
        Vector256<short> first = Avx2Quads.Products(w0, x) + Avx2Quads.Products(w1, x + 4);
        Vector256<short> second = Avx2Quads.Products(w2, x + 8) + Avx2Quads.Products(w3, x + 12);
        return state + X86Avx2.MultiplyAddAdjacent(first, scale) + X86Avx2.MultiplyAddAdjacent(second, scale);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Finish(Vector256<int> state, byte* group, Vector256<short> scale, byte* x)
    {
        // The stored integers are 32 too great: 2·scale·(−16·Σx) of either half is added.
        Vector256<short> scales = X86Avx2.Blend(Scale(group, 0), scale, 0b1010_1010);
        Vector256<short> sums = Avx2Quads.Broadcast(x + Int8Rows.SumsOffset).AsInt16();
        return state + X86Avx2.MultiplyAddAdjacent(scales + scales, sums);
    }

    public static Vector256<float> Minimum(byte* group) => default;
}
