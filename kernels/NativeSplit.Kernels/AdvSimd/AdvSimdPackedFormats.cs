using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using NativeSplit.Kernels.Simd;

namespace NativeSplit.Kernels.AdvSimd;

/// <summary>Q4_0. The unpacked integers are 8 too great.</summary>
internal readonly unsafe struct AdvSimdPackedQ4_0 : IAdvSimdPacked
{
    public static int HeaderBytes => 16;

    public static int GroupBytes => 128;

    public static int GroupsPerBlock => 1;

    public static bool HasMinimum => false;

    public static int Scales => 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Load(byte* group, int half, int rows, out Vector128<byte> w0, out Vector128<byte> w1, out Vector128<byte> w2, out Vector128<byte> w3) =>
        AdvSimdQuads.Nibbles(group + (16 * rows), half, out w0, out w1, out w2, out w3);

    /// <remarks>Both halves end in one sum, so the first takes all: −8·Σx is the sum of the two numbers at the end of the block.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> Start(byte* x, int half)
    {
        var sums = (short*)(x + Int8Rows.PairSumsOffset);
        return half == 0 ? Vector128.Create(sums[0] + sums[1]) : default;
    }

    public static Vector128<int> Scale(byte* group, int half, int rows) => Vector128<int>.One;

    public static Vector128<float> Minimum(byte* group, int rows) => default;
}

/// <summary>Q8_0. Stored as it is multiplied.</summary>
internal readonly unsafe struct AdvSimdPackedQ8_0 : IAdvSimdPacked
{
    public static int HeaderBytes => 16;

    public static int GroupBytes => 256;

    public static int GroupsPerBlock => 1;

    public static bool HasMinimum => false;

    public static int Scales => 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Load(byte* group, int half, int rows, out Vector128<byte> w0, out Vector128<byte> w1, out Vector128<byte> w2, out Vector128<byte> w3)
    {
        group += (128 * half) + (16 * rows);
        w0 = Vector128.Load(group);
        w1 = Vector128.Load(group + 32);
        w2 = Vector128.Load(group + 64);
        w3 = Vector128.Load(group + 96);
    }

    public static Vector128<int> Start(byte* x, int half) => default;

    public static Vector128<int> Scale(byte* group, int half, int rows) => Vector128<int>.One;

    public static Vector128<float> Minimum(byte* group, int rows) => default;
}

/// <summary>IQ4_NL. Nibbles choose among 16 signed bytes.</summary>
internal readonly unsafe struct AdvSimdPackedIQ4_NL : IAdvSimdPacked
{
    public static int HeaderBytes => 16;

    public static int GroupBytes => 128;

    public static int GroupsPerBlock => 1;

    public static bool HasMinimum => false;

    public static int Scales => 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Load(byte* group, int half, int rows, out Vector128<byte> w0, out Vector128<byte> w1, out Vector128<byte> w2, out Vector128<byte> w3)
    {
        Vector128<byte> levels = IQ4_NL.LevelTable.AsByte();
        AdvSimdQuads.Nibbles(group + (16 * rows), half, out w0, out w1, out w2, out w3);
        w0 = Vector128.ShuffleNative(levels, w0);
        w1 = Vector128.ShuffleNative(levels, w1);
        w2 = Vector128.ShuffleNative(levels, w2);
        w3 = Vector128.ShuffleNative(levels, w3);
    }

    public static Vector128<int> Start(byte* x, int half) => default;

    public static Vector128<int> Scale(byte* group, int half, int rows) => Vector128<int>.One;

    public static Vector128<float> Minimum(byte* group, int rows) => default;
}

/// <summary>Q4_K.</summary>
internal readonly unsafe struct AdvSimdPackedQ4_K : IAdvSimdPacked
{
    public static int HeaderBytes => 32;

    public static int GroupBytes => 144;

    public static int GroupsPerBlock => 8;

    public static bool HasMinimum => true;

    public static int Scales => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Load(byte* group, int half, int rows, out Vector128<byte> w0, out Vector128<byte> w1, out Vector128<byte> w2, out Vector128<byte> w3) =>
        AdvSimdQuads.Nibbles(group + (16 * rows), half, out w0, out w1, out w2, out w3);

    public static Vector128<int> Start(byte* x, int half) => default;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> Scale(byte* group, int half, int rows) => AdvSimdQuads.UnsignedBytes(group + 128 + (4 * rows));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Minimum(byte* group, int rows) => Vector128.ConvertToSingle(AdvSimdQuads.UnsignedBytes(group + 136 + (4 * rows)));
}

/// <summary>Q5_K.</summary>
internal readonly unsafe struct AdvSimdPackedQ5_K : IAdvSimdPacked
{
    public static int HeaderBytes => 32;

    public static int GroupBytes => 176;

    public static int GroupsPerBlock => 8;

    public static bool HasMinimum => true;

    public static int Scales => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Load(byte* group, int half, int rows, out Vector128<byte> w0, out Vector128<byte> w1, out Vector128<byte> w2, out Vector128<byte> w3)
    {
        // Bit t of a byte belongs to quad t; it goes to bit 4.
        AdvSimdQuads.Nibbles(group + (16 * rows), half, out w0, out w1, out w2, out w3);
        Vector128<byte> fifth = Vector128.Load(group + 128 + (16 * rows));
        Vector128<byte> mask = Vector128.Create((byte)16);
        w0 |= (half == 0 ? fifth << 4 : fifth) & mask;
        w1 |= (half == 0 ? fifth << 3 : fifth >> 1) & mask;
        w2 |= (half == 0 ? fifth << 2 : fifth >> 2) & mask;
        w3 |= (half == 0 ? fifth << 1 : fifth >> 3) & mask;
    }

    public static Vector128<int> Start(byte* x, int half) => default;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> Scale(byte* group, int half, int rows) => AdvSimdQuads.UnsignedBytes(group + 160 + (4 * rows));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Minimum(byte* group, int rows) => Vector128.ConvertToSingle(AdvSimdQuads.UnsignedBytes(group + 168 + (4 * rows)));
}

/// <summary>Q6_K. The unpacked integers are 32 too great. Each half has its own scale.</summary>
internal readonly unsafe struct AdvSimdPackedQ6_K : IAdvSimdPacked
{
    public static int HeaderBytes => 16;

    public static int GroupBytes => 208;

    public static int GroupsPerBlock => 8;

    public static bool HasMinimum => false;

    public static int Scales => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Load(byte* group, int half, int rows, out Vector128<byte> w0, out Vector128<byte> w1, out Vector128<byte> w2, out Vector128<byte> w3)
    {
        // Bits 2q and 2q + 1 of a byte belong to quad q; they go to bits 4 and 5.
        AdvSimdQuads.Nibbles(group + (16 * rows), half, out w0, out w1, out w2, out w3);
        Vector128<byte> upper = Vector128.Load(group + 128 + (32 * half) + (16 * rows));
        Vector128<byte> mask = Vector128.Create((byte)48);
        w0 |= (upper << 4) & mask;
        w1 |= (upper << 2) & mask;
        w2 |= upper & mask;
        w3 |= (upper >> 2) & mask;
    }

    /// <remarks>The block holds −16·Σx of either half.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> Start(byte* x, int half) => Vector128.Create(2 * ((short*)(x + Int8Rows.SumsOffset))[half]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> Scale(byte* group, int half, int rows) => AdvSimdQuads.SignedBytes(group + 192 + (8 * half) + (4 * rows));

    public static Vector128<float> Minimum(byte* group, int rows) => default;
}
