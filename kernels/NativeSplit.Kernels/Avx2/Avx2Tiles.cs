using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using NativeSplit.Kernels.Packing;

namespace NativeSplit.Kernels.Avx2;

/// <summary>Products of packed weights with AVX2: 8 rows by 1 or 4 inputs in registers.</summary>
/// <remarks>Lane r of an accumulator is row r of the panel; it sums as <c>ScalarPacked.Dot</c> does, whatever the tile.</remarks>
/// <typeparam name="TFormat">The type of the weights.</typeparam>
internal readonly unsafe struct Avx2Tiles<TFormat> : IPackedTiles
    where TFormat : struct, IAvx2Packed
{
    /// <summary>Bytes that a panel is fetched ahead.</summary>
    private const int Ahead = 2048;

    /// <inheritdoc/>
    public static int Rows => PackedWeights.RowGranularity;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Tile1(byte* panel, nint next, int groups, byte* x, float* sums)
    {
        Vector256<float> a = default, minimumScale = default;
        for (int block = groups / TFormat.GroupsPerBlock; block > 0; block--)
        {
            Vector256<float> d = Avx2Quads.Halves(panel);
            if (TFormat.HasMinimum)
            {
                minimumScale = Avx2Quads.Halves(panel + 16);
            }

            panel += TFormat.HeaderBytes;
            for (int i = 0; i < TFormat.GroupsPerBlock; i++)
            {
                Fetch(panel);
                Vector256<short> scale = TFormat.Scale(panel, 0);
                TFormat.Load(panel, 0, out Vector256<byte> w0, out Vector256<byte> w1, out Vector256<byte> w2, out Vector256<byte> w3);
                Vector256<int> n = TFormat.Add(default, w0, w1, w2, w3, x, scale);
                scale = TFormat.Scale(panel, 1);
                TFormat.Load(panel, 1, out w0, out w1, out w2, out w3);
                n = TFormat.Add(n, w0, w1, w2, w3, x + 16, scale);
                n = TFormat.Finish(n, panel, scale, x);
                a = Fma.MultiplyAdd(Vector256.ConvertToSingle(n), d * Meta(x, Int8Rows.ScaleOffset), a);
                if (TFormat.HasMinimum)
                {
                    a = Fma.MultiplyAdd(minimumScale * TFormat.Minimum(panel), Meta(x, Int8Rows.OffsetOffset), a);
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
        Vector256<float> a0 = default, a1 = default, a2 = default, a3 = default, minimumScale = default;
        nint stride3 = 3 * stride;
        for (int block = groups / TFormat.GroupsPerBlock; block > 0; block--)
        {
            Vector256<float> d = Avx2Quads.Halves(panel);
            if (TFormat.HasMinimum)
            {
                minimumScale = Avx2Quads.Halves(panel + 16);
            }

            panel += TFormat.HeaderBytes;
            for (int i = 0; i < TFormat.GroupsPerBlock; i++)
            {
                Vector256<short> scale = TFormat.Scale(panel, 0);
                TFormat.Load(panel, 0, out Vector256<byte> w0, out Vector256<byte> w1, out Vector256<byte> w2, out Vector256<byte> w3);
                Vector256<int> n0 = TFormat.Add(default, w0, w1, w2, w3, x, scale);
                Vector256<int> n1 = TFormat.Add(default, w0, w1, w2, w3, x + stride, scale);
                Vector256<int> n2 = TFormat.Add(default, w0, w1, w2, w3, x + (2 * stride), scale);
                Vector256<int> n3 = TFormat.Add(default, w0, w1, w2, w3, x + stride3, scale);

                scale = TFormat.Scale(panel, 1);
                TFormat.Load(panel, 1, out w0, out w1, out w2, out w3);
                n0 = TFormat.Add(n0, w0, w1, w2, w3, x + 16, scale);
                n1 = TFormat.Add(n1, w0, w1, w2, w3, x + stride + 16, scale);
                n2 = TFormat.Add(n2, w0, w1, w2, w3, x + (2 * stride) + 16, scale);
                n3 = TFormat.Add(n3, w0, w1, w2, w3, x + stride3 + 16, scale);

                n0 = TFormat.Finish(n0, panel, scale, x);
                n1 = TFormat.Finish(n1, panel, scale, x + stride);
                n2 = TFormat.Finish(n2, panel, scale, x + (2 * stride));
                n3 = TFormat.Finish(n3, panel, scale, x + stride3);
                a0 = Fma.MultiplyAdd(Vector256.ConvertToSingle(n0), d * Meta(x, Int8Rows.ScaleOffset), a0);
                a1 = Fma.MultiplyAdd(Vector256.ConvertToSingle(n1), d * Meta(x + stride, Int8Rows.ScaleOffset), a1);
                a2 = Fma.MultiplyAdd(Vector256.ConvertToSingle(n2), d * Meta(x + (2 * stride), Int8Rows.ScaleOffset), a2);
                a3 = Fma.MultiplyAdd(Vector256.ConvertToSingle(n3), d * Meta(x + stride3, Int8Rows.ScaleOffset), a3);
                if (TFormat.HasMinimum)
                {
                    Vector256<float> minimum = minimumScale * TFormat.Minimum(panel);
                    a0 = Fma.MultiplyAdd(minimum, Meta(x, Int8Rows.OffsetOffset), a0);
                    a1 = Fma.MultiplyAdd(minimum, Meta(x + stride, Int8Rows.OffsetOffset), a1);
                    a2 = Fma.MultiplyAdd(minimum, Meta(x + (2 * stride), Int8Rows.OffsetOffset), a2);
                    a3 = Fma.MultiplyAdd(minimum, Meta(x + stride3, Int8Rows.OffsetOffset), a3);
                }

                panel += TFormat.GroupBytes;
                x += Int8Rows.BlockBytes;
            }
        }

        a0.Store(sums);
        a1.Store(sums + 8);
        a2.Store(sums + 16);
        a3.Store(sums + 24);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Meta(byte* x, int offset) => Vector256.Create(Unsafe.ReadUnaligned<float>(x + offset));

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
