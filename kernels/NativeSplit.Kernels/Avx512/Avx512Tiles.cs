using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using NativeSplit.Kernels.Packing;

namespace NativeSplit.Kernels.Avx512;

/// <summary>Products of packed weights with 512-bit vectors: 16 rows by 1 or 4 inputs in registers.</summary>
/// <remarks>Lane r of an accumulator is row r of two panels; it sums as <c>ScalarPacked.Dot</c> does, whatever the tile.</remarks>
/// <typeparam name="TFormat">The type of the weights.</typeparam>
internal readonly unsafe struct Avx512Tiles<TFormat> : IPackedTiles
    where TFormat : struct, IAvx512Packed
{
    /// <summary>Bytes that a panel is fetched ahead.</summary>
    private const int Ahead = 2048;

    /// <inheritdoc/>
    public static int Rows => 2 * PackedWeights.RowGranularity;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Tile1(byte* panel, nint next, int groups, byte* x, float* sums)
    {
        Vector512<float> a = default, minimumScale = default;
        for (int block = groups / TFormat.GroupsPerBlock; block > 0; block--)
        {
            Vector512<float> d = Avx512Quads.Halves(panel, next);
            if (TFormat.HasMinimum)
            {
                minimumScale = Avx512Quads.Halves(panel + 16, next);
            }

            panel += TFormat.HeaderBytes;
            for (int i = 0; i < TFormat.GroupsPerBlock; i++)
            {
                Fetch(panel);
                Fetch(panel + next);
                Vector512<short> scale = TFormat.Scale(panel, next, 0);
                TFormat.Load(panel, next, 0, out Vector512<byte> w0, out Vector512<byte> w1, out Vector512<byte> w2, out Vector512<byte> w3);
                Vector512<int> n = TFormat.Add(default, w0, w1, w2, w3, x, scale);
                scale = TFormat.Scale(panel, next, 1);
                TFormat.Load(panel, next, 1, out w0, out w1, out w2, out w3);
                n = TFormat.Add(n, w0, w1, w2, w3, x + 16, scale);
                n = TFormat.Finish(n, panel, next, scale, x);
                a = Vector512.FusedMultiplyAdd(Vector512.ConvertToSingle(n), d * Meta(x, Int8Rows.ScaleOffset), a);
                if (TFormat.HasMinimum)
                {
                    a = Vector512.FusedMultiplyAdd(minimumScale * TFormat.Minimum(panel, next), Meta(x, Int8Rows.OffsetOffset), a);
                }

                panel += TFormat.GroupBytes;
                x += Int8Rows.BlockBytes;
            }
        }

        a.Store(sums);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Tile4(byte* panel, nint next, int groups, byte* x, nint stride, float* sums)
    {
        Vector512<float> a0 = default, a1 = default, a2 = default, a3 = default, minimumScale = default;
        nint stride3 = 3 * stride;
        for (int block = groups / TFormat.GroupsPerBlock; block > 0; block--)
        {
            Vector512<float> d = Avx512Quads.Halves(panel, next);
            if (TFormat.HasMinimum)
            {
                minimumScale = Avx512Quads.Halves(panel + 16, next);
            }

            panel += TFormat.HeaderBytes;
            for (int i = 0; i < TFormat.GroupsPerBlock; i++)
            {
                Vector512<short> scale = TFormat.Scale(panel, next, 0);
                TFormat.Load(panel, next, 0, out Vector512<byte> w0, out Vector512<byte> w1, out Vector512<byte> w2, out Vector512<byte> w3);
                Vector512<int> n0 = TFormat.Add(default, w0, w1, w2, w3, x, scale);
                Vector512<int> n1 = TFormat.Add(default, w0, w1, w2, w3, x + stride, scale);
                Vector512<int> n2 = TFormat.Add(default, w0, w1, w2, w3, x + (2 * stride), scale);
                Vector512<int> n3 = TFormat.Add(default, w0, w1, w2, w3, x + stride3, scale);

                scale = TFormat.Scale(panel, next, 1);
                TFormat.Load(panel, next, 1, out w0, out w1, out w2, out w3);
                n0 = TFormat.Add(n0, w0, w1, w2, w3, x + 16, scale);
                n1 = TFormat.Add(n1, w0, w1, w2, w3, x + stride + 16, scale);
                n2 = TFormat.Add(n2, w0, w1, w2, w3, x + (2 * stride) + 16, scale);
                n3 = TFormat.Add(n3, w0, w1, w2, w3, x + stride3 + 16, scale);

                n0 = TFormat.Finish(n0, panel, next, scale, x);
                n1 = TFormat.Finish(n1, panel, next, scale, x + stride);
                n2 = TFormat.Finish(n2, panel, next, scale, x + (2 * stride));
                n3 = TFormat.Finish(n3, panel, next, scale, x + stride3);
                a0 = Vector512.FusedMultiplyAdd(Vector512.ConvertToSingle(n0), d * Meta(x, Int8Rows.ScaleOffset), a0);
                a1 = Vector512.FusedMultiplyAdd(Vector512.ConvertToSingle(n1), d * Meta(x + stride, Int8Rows.ScaleOffset), a1);
                a2 = Vector512.FusedMultiplyAdd(Vector512.ConvertToSingle(n2), d * Meta(x + (2 * stride), Int8Rows.ScaleOffset), a2);
                a3 = Vector512.FusedMultiplyAdd(Vector512.ConvertToSingle(n3), d * Meta(x + stride3, Int8Rows.ScaleOffset), a3);
                if (TFormat.HasMinimum)
                {
                    Vector512<float> minimum = minimumScale * TFormat.Minimum(panel, next);
                    a0 = Vector512.FusedMultiplyAdd(minimum, Meta(x, Int8Rows.OffsetOffset), a0);
                    a1 = Vector512.FusedMultiplyAdd(minimum, Meta(x + stride, Int8Rows.OffsetOffset), a1);
                    a2 = Vector512.FusedMultiplyAdd(minimum, Meta(x + (2 * stride), Int8Rows.OffsetOffset), a2);
                    a3 = Vector512.FusedMultiplyAdd(minimum, Meta(x + stride3, Int8Rows.OffsetOffset), a3);
                }

                panel += TFormat.GroupBytes;
                x += Int8Rows.BlockBytes;
            }
        }

        a0.Store(sums);
        a1.Store(sums + Rows);
        a2.Store(sums + (2 * Rows));
        a3.Store(sums + (3 * Rows));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Meta(byte* x, int offset) => Vector512.Create(Unsafe.ReadUnaligned<float>(x + offset));

    /// <summary>Hints only; an address behind the weights does no harm.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Fetch(byte* group)
    {
        Sse.Prefetch0(group + Ahead);
        Sse.Prefetch0(group + Ahead + 64);
        if (TFormat.GroupBytes > 128)
        {
            Sse.Prefetch0(group + Ahead + 128);
        }

        if (TFormat.GroupBytes > 192)
        {
            Sse.Prefetch0(group + Ahead + 192);
        }
    }
}
