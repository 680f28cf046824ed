using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using NativeSplit.Kernels.Avx2;

namespace NativeSplit.Kernels.Avx512;

/// <summary>As <see cref="Avx2PackedQ4_0"/>.</summary>
internal readonly unsafe struct Avx512PackedQ4_0 : IAvx512Packed
{
    public static int HeaderBytes => Avx2PackedQ4_0.HeaderBytes;

    public static int GroupBytes => Avx2PackedQ4_0.GroupBytes;

    public static int GroupsPerBlock => Avx2PackedQ4_0.GroupsPerBlock;

    public static bool HasMinimum => Avx2PackedQ4_0.HasMinimum;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Load(byte* group, nint next, int half, out Vector512<byte> w0, out Vector512<byte> w1, out Vector512<byte> w2, out Vector512<byte> w3) =>
        Avx512Quads.Nibbles(group, next, half, out w0, out w1, out w2, out w3);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<short> Scale(byte* group, nint next, int half) => Vector512<short>.One;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Add(Vector512<int> state, Vector512<byte> w0, Vector512<byte> w1, Vector512<byte> w2, Vector512<byte> w3, byte* x, Vector512<short> scale) =>
        (state.AsInt16() + Avx512Quads.Products(w0, w1, w2, w3, x)).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Finish(Vector512<int> state, byte* group, nint next, Vector512<short> scale, byte* x)
    {
        // The stored integers are 8 too great: −8·Σx is added.
        Vector512<short> sums = Avx512Quads.Broadcast(x + Int8Rows.PairSumsOffset).AsInt16();
        return Avx512Quads.MultiplyAdd(state.AsInt16(), scale) + Avx512Quads.MultiplyAdd(sums, scale);
    }

    public static Vector512<float> Minimum(byte* group, nint next) => default;
}

/// <summary>As <see cref="Avx2PackedQ8_0"/>.</summary>
internal readonly unsafe struct Avx512PackedQ8_0 : IAvx512Packed
{
    public static int HeaderBytes => Avx2PackedQ8_0.HeaderBytes;

    public static int GroupBytes => Avx2PackedQ8_0.GroupBytes;

    public static int GroupsPerBlock => Avx2PackedQ8_0.GroupsPerBlock;

    public static bool HasMinimum => Avx2PackedQ8_0.HasMinimum;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Load(byte* group, nint next, int half, out Vector512<byte> w0, out Vector512<byte> w1, out Vector512<byte> w2, out Vector512<byte> w3)
    {
        group += 128 * half;
        w0 = Avx512Quads.Load(group, next);
        w1 = Avx512Quads.Load(group + 32, next);
        w2 = Avx512Quads.Load(group + 64, next);
        w3 = Avx512Quads.Load(group + 96, next);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<short> Scale(byte* group, nint next, int half) => Vector512<short>.One;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Add(Vector512<int> state, Vector512<byte> w0, Vector512<byte> w1, Vector512<byte> w2, Vector512<byte> w3, byte* x, Vector512<short> scale) =>
        state + (Quad(w0, x, scale) + Quad(w1, x + 4, scale)) + (Quad(w2, x + 8, scale) + Quad(w3, x + 12, scale));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Finish(Vector512<int> state, byte* group, nint next, Vector512<short> scale, byte* x) => state;

    public static Vector512<float> Minimum(byte* group, nint next) => default;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> Quad(Vector512<byte> w, byte* x, Vector512<short> ones)
    {
        // There is no sign instruction; a weight of zero may keep the activation as it is.
        Vector512<sbyte> activations = Avx512Quads.Broadcast(x);
        Vector512<sbyte> negative = Vector512.LessThan(w.AsSByte(), Vector512<sbyte>.Zero);
        Vector512<sbyte> signed = Vector512.ConditionalSelect(negative, -activations, activations);
        Vector512<byte> magnitude = Vector512.ConditionalSelect(negative, -w.AsSByte(), w.AsSByte()).AsByte();
        return Avx512Quads.MultiplyAdd(Avx512Quads.MultiplyAdd(magnitude, signed), ones);
    }
}

/// <summary>As <see cref="Avx2PackedIQ4_NL"/>.</summary>
internal readonly unsafe struct Avx512PackedIQ4_NL : IAvx512Packed
{
    public static int HeaderBytes => Avx2PackedIQ4_NL.HeaderBytes;

    public static int GroupBytes => Avx2PackedIQ4_NL.GroupBytes;

    public static int GroupsPerBlock => Avx2PackedIQ4_NL.GroupsPerBlock;

    public static bool HasMinimum => Avx2PackedIQ4_NL.HasMinimum;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Load(byte* group, nint next, int half, out Vector512<byte> w0, out Vector512<byte> w1, out Vector512<byte> w2, out Vector512<byte> w3)
    {
        Avx2PackedIQ4_NL.Load(group, half, out Vector256<byte> a0, out Vector256<byte> a1, out Vector256<byte> a2, out Vector256<byte> a3);
        Avx2PackedIQ4_NL.Load(group + next, half, out Vector256<byte> b0, out Vector256<byte> b1, out Vector256<byte> b2, out Vector256<byte> b3);
        w0 = Vector512.Create(a0, b0);
        w1 = Vector512.Create(a1, b1);
        w2 = Vector512.Create(a2, b2);
        w3 = Vector512.Create(a3, b3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<short> Scale(byte* group, nint next, int half) => Vector512<short>.One;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Add(Vector512<int> state, Vector512<byte> w0, Vector512<byte> w1, Vector512<byte> w2, Vector512<byte> w3, byte* x, Vector512<short> scale) =>
        Avx512PackedQ8_0.Add(state, w0, w1, w2, w3, x, scale);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Finish(Vector512<int> state, byte* group, nint next, Vector512<short> scale, byte* x) => state;

    public static Vector512<float> Minimum(byte* group, nint next) => default;
}

/// <summary>As <see cref="Avx2PackedQ4_K"/>.</summary>
internal readonly unsafe struct Avx512PackedQ4_K : IAvx512Packed
{
    public static int HeaderBytes => Avx2PackedQ4_K.HeaderBytes;

    public static int GroupBytes => Avx2PackedQ4_K.GroupBytes;

    public static int GroupsPerBlock => Avx2PackedQ4_K.GroupsPerBlock;

    public static bool HasMinimum => Avx2PackedQ4_K.HasMinimum;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Load(byte* group, nint next, int half, out Vector512<byte> w0, out Vector512<byte> w1, out Vector512<byte> w2, out Vector512<byte> w3) =>
        Avx512Quads.Nibbles(group, next, half, out w0, out w1, out w2, out w3);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<short> Scale(byte* group, nint next, int half) => Avx512Quads.UnsignedScales(group + 128, next);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Add(Vector512<int> state, Vector512<byte> w0, Vector512<byte> w1, Vector512<byte> w2, Vector512<byte> w3, byte* x, Vector512<short> scale) =>
        (state.AsInt16() + Avx512Quads.Products(w0, w1, w2, w3, x)).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Finish(Vector512<int> state, byte* group, nint next, Vector512<short> scale, byte* x) =>
        Avx512Quads.MultiplyAdd(state.AsInt16(), scale);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Minimum(byte* group, nint next) => Avx512Quads.Bytes(group + 136, next);
}

/// <summary>As <see cref="Avx2PackedQ5_K"/>.</summary>
internal readonly unsafe struct Avx512PackedQ5_K : IAvx512Packed
{
    public static int HeaderBytes => Avx2PackedQ5_K.HeaderBytes;

    public static int GroupBytes => Avx2PackedQ5_K.GroupBytes;

    public static int GroupsPerBlock => Avx2PackedQ5_K.GroupsPerBlock;

    public static bool HasMinimum => Avx2PackedQ5_K.HasMinimum;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Load(byte* group, nint next, int half, out Vector512<byte> w0, out Vector512<byte> w1, out Vector512<byte> w2, out Vector512<byte> w3)
    {
        // Bit t of a byte belongs to quad t; it goes to bit 4. Bits of the neighbour byte are masked off.
        Avx512Quads.Nibbles(group, next, half, out w0, out w1, out w2, out w3);
        Vector512<ushort> fifth = Avx512Quads.Load(group + 128, next).AsUInt16();
        fifth = half == 0 ? fifth << 4 : fifth;
        Vector512<byte> mask = Vector512.Create((byte)16);
        w0 |= fifth.AsByte() & mask;
        w1 |= (fifth >> 1).AsByte() & mask;
        w2 |= (fifth >> 2).AsByte() & mask;
        w3 |= (fifth >> 3).AsByte() & mask;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<short> Scale(byte* group, nint next, int half) => Avx512Quads.UnsignedScales(group + 160, next);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Add(Vector512<int> state, Vector512<byte> w0, Vector512<byte> w1, Vector512<byte> w2, Vector512<byte> w3, byte* x, Vector512<short> scale) =>
        state + Avx512Quads.MultiplyAdd(Avx512Quads.Products(w0, w1, w2, w3, x), scale);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Finish(Vector512<int> state, byte* group, nint next, Vector512<short> scale, byte* x) => state;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Minimum(byte* group, nint next) => Avx512Quads.Bytes(group + 168, next);
}

/// <summary>As <see cref="Avx2PackedQ6_K"/>.</summary>
internal readonly unsafe struct Avx512PackedQ6_K : IAvx512Packed
{
    public static int HeaderBytes => Avx2PackedQ6_K.HeaderBytes;

    public static int GroupBytes => Avx2PackedQ6_K.GroupBytes;

    public static int GroupsPerBlock => Avx2PackedQ6_K.GroupsPerBlock;

    public static bool HasMinimum => Avx2PackedQ6_K.HasMinimum;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Load(byte* group, nint next, int half, out Vector512<byte> w0, out Vector512<byte> w1, out Vector512<byte> w2, out Vector512<byte> w3)
    {
        // Bits 2q and 2q + 1 of a byte belong to quad q; they go to bits 4 and 5.
        Avx512Quads.Nibbles(group, next, half, out w0, out w1, out w2, out w3);
        Vector512<ushort> upper = Avx512Quads.Load(group + 128 + (32 * half), next).AsUInt16();
        Vector512<byte> mask = Vector512.Create((byte)48);
        w0 |= (upper << 4).AsByte() & mask;
        w1 |= (upper << 2).AsByte() & mask;
        w2 |= upper.AsByte() & mask;
        w3 |= (upper >> 2).AsByte() & mask;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<short> Scale(byte* group, nint next, int half) => Avx512Quads.SignedScales(group + 192 + (8 * half), next);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Add(Vector512<int> state, Vector512<byte> w0, Vector512<byte> w1, Vector512<byte> w2, Vector512<byte> w3, byte* x, Vector512<short> scale)
    {
        Vector512<short> first = Avx512Quads.Products(w0, x) + Avx512Quads.Products(w1, x + 4);
        Vector512<short> second = Avx512Quads.Products(w2, x + 8) + Avx512Quads.Products(w3, x + 12);
        return state + Avx512Quads.MultiplyAdd(first, scale) + Avx512Quads.MultiplyAdd(second, scale);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Finish(Vector512<int> state, byte* group, nint next, Vector512<short> scale, byte* x)
    {
        // The stored integers are 32 too great: 2·scale·(−16·Σx) of either half is added.
        Vector512<short> scales = Vector512.ConditionalSelect(Vector512.Create(0xFFFF).AsInt16(), Scale(group, next, 0), scale);
        Vector512<short> sums = Avx512Quads.Broadcast(x + Int8Rows.SumsOffset).AsInt16();
        return state + Avx512Quads.MultiplyAdd(scales + scales, sums);
    }

    public static Vector512<float> Minimum(byte* group, nint next) => default;
}
