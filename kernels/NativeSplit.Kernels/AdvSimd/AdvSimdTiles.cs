using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using NativeSplit.Kernels.Packing;

namespace NativeSplit.Kernels.AdvSimd;

/// <summary>Blocked products of packed weights with 128-bit vectors: 8 rows by 1 or 4 inputs, one panel after the other.</summary>
/// <remarks>Two vectors hold the rows of a panel. Sums are those of <c>ScalarPacked.Dot</c>, whatever the tile.</remarks>
/// <typeparam name="TFormat">The type of the weights.</typeparam>
internal readonly unsafe struct AdvSimdTiles<TFormat> : IBlockedTiles
    where TFormat : struct, IAdvSimdPacked
{
    private const int UnpackedGroupBytes = 256;

    /// <inheritdoc/>
    public static bool NeedsUnpacking => TFormat.GroupBytes != UnpackedGroupBytes;

    /// <inheritdoc/>
    /// <remarks>Either half of a group has sums of its own, so that four chains of products run side by side.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Tile1(byte* panel, int groups, byte* x, float* sums)
    {
        Vector128<float> sumA = default, sumB = default;
        for (int block = groups / TFormat.GroupsPerBlock; block > 0; block--)
        {
            Vector128<float> scaleA = AdvSimdQuads.Halves(panel), scaleB = AdvSimdQuads.Halves(panel + 8);
            Vector128<float> minimumA = AdvSimdSums<TFormat>.MinimumScale(panel, 0), minimumB = AdvSimdSums<TFormat>.MinimumScale(panel, 1);
            panel += TFormat.HeaderBytes;
            for (int i = 0; i < TFormat.GroupsPerBlock; i++)
            {
                Vector128<int> a0 = TFormat.Start(x, 0), b0 = a0, a1 = TFormat.Start(x, 1), b1 = a1;
                MultiplyHalf(panel, 0, Vector128.Load((sbyte*)x), ref a0, ref b0);
                MultiplyHalf(panel, 1, Vector128.Load((sbyte*)x + 16), ref a1, ref b1);
                if (TFormat.Scales != 2)
                {
                    a0 += a1;
                    b0 += b1;
                }

                Vector128<int> integers = AdvSimdSums<TFormat>.Integers(a0, a1, panel, 0);
                sumA = AdvSimdSums<TFormat>.Add(sumA, integers, scaleA, AdvSimdSums<TFormat>.Minimum(minimumA, panel, 0), x);
                integers = AdvSimdSums<TFormat>.Integers(b0, b1, panel, 1);
                sumB = AdvSimdSums<TFormat>.Add(sumB, integers, scaleB, AdvSimdSums<TFormat>.Minimum(minimumB, panel, 1), x);
                panel += TFormat.GroupBytes;
                x += Int8Rows.BlockBytes;
            }
        }

        sumA.Store(sums);
        sumB.Store(sums + 4);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Unpack(byte* panel, int groups, byte* target)
    {
        for (int block = groups / TFormat.GroupsPerBlock; block > 0; block--)
        {
            panel += TFormat.HeaderBytes;
            for (int i = 0; i < TFormat.GroupsPerBlock; i++)
            {
                UnpackHalf(panel, 0, 0, target);
                UnpackHalf(panel, 0, 1, target + 16);
                UnpackHalf(panel, 1, 0, target + 128);
                UnpackHalf(panel, 1, 1, target + 144);
                panel += TFormat.GroupBytes;
                target += UnpackedGroupBytes;
            }
        }
    }

    /// <inheritdoc/>
    public static void Tile(in BlockedTile tile)
    {
        AddPanel(tile, NeedsUnpacking ? tile.UnpackedA : tile.PanelA + TFormat.HeaderBytes, tile.PanelA, tile.Sums);
        if (tile.PanelB != tile.PanelA)
        {
            AddPanel(tile, NeedsUnpacking ? tile.UnpackedB : tile.PanelB + TFormat.HeaderBytes, tile.PanelB, tile.Sums + PackedLayout.PanelRows);
        }
    }

    /// <remarks>At most 16 sums, 4 activations and a vector of weights at a time, of 32 registers.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddPanel(in BlockedTile tile, byte* w, byte* panel, float* sums)
    {
        byte* x0 = tile.X0, x1 = tile.X1, x2 = tile.X2, x3 = tile.X3;

        // Outside of the loop, where the JIT has run out of inlining and calls it.
        int stride = NeedsUnpacking ? UnpackedGroupBytes : TFormat.HeaderBytes + UnpackedGroupBytes;
        for (int block = tile.Groups / TFormat.GroupsPerBlock; block > 0; block--)
        {
            byte* header = panel;
            panel += TFormat.HeaderBytes;
            for (int i = 0; i < TFormat.GroupsPerBlock; i++)
            {
                Vector128<sbyte> i0 = Vector128.Load((sbyte*)x0), i1 = Vector128.Load((sbyte*)x1), i2 = Vector128.Load((sbyte*)x2), i3 = Vector128.Load((sbyte*)x3);
                Vector128<int> a0 = TFormat.Start(x0, 0), a1 = TFormat.Start(x1, 0), a2 = TFormat.Start(x2, 0), a3 = TFormat.Start(x3, 0);
                Vector128<int> b0 = a0, b1 = a1, b2 = a2, b3 = a3;
                MultiplyHalf(w, i0, i1, i2, i3, ref a0, ref a1, ref a2, ref a3);
                MultiplyHalf(w + 16, i0, i1, i2, i3, ref b0, ref b1, ref b2, ref b3);

                i0 = Vector128.Load((sbyte*)x0 + 16);
                i1 = Vector128.Load((sbyte*)x1 + 16);
                i2 = Vector128.Load((sbyte*)x2 + 16);
                i3 = Vector128.Load((sbyte*)x3 + 16);
                Vector128<int> c0 = default, c1 = default, c2 = default, c3 = default, d0 = default, d1 = default, d2 = default, d3 = default;
                if (TFormat.Scales == 2)
                {
                    d0 = c0 = TFormat.Start(x0, 1);
                    d1 = c1 = TFormat.Start(x1, 1);
                    d2 = c2 = TFormat.Start(x2, 1);
                    d3 = c3 = TFormat.Start(x3, 1);
                    MultiplyHalf(w + 128, i0, i1, i2, i3, ref c0, ref c1, ref c2, ref c3);
                    MultiplyHalf(w + 144, i0, i1, i2, i3, ref d0, ref d1, ref d2, ref d3);
                }
                else
                {
                    MultiplyHalf(w + 128, i0, i1, i2, i3, ref a0, ref a1, ref a2, ref a3);
                    MultiplyHalf(w + 144, i0, i1, i2, i3, ref b0, ref b1, ref b2, ref b3);
                }

                // All integers before the first store, so that what the four share is worked out once.
                a0 = AdvSimdSums<TFormat>.Integers(a0, c0, panel, 0);
                a1 = AdvSimdSums<TFormat>.Integers(a1, c1, panel, 0);
                a2 = AdvSimdSums<TFormat>.Integers(a2, c2, panel, 0);
                a3 = AdvSimdSums<TFormat>.Integers(a3, c3, panel, 0);
                b0 = AdvSimdSums<TFormat>.Integers(b0, d0, panel, 1);
                b1 = AdvSimdSums<TFormat>.Integers(b1, d1, panel, 1);
                b2 = AdvSimdSums<TFormat>.Integers(b2, d2, panel, 1);
                b3 = AdvSimdSums<TFormat>.Integers(b3, d3, panel, 1);
                Vector128<float> scale = AdvSimdQuads.Halves(header), minimum = AdvSimdSums<TFormat>.Minimum(AdvSimdSums<TFormat>.MinimumScale(header, 0), panel, 0);
                AdvSimdSums<TFormat>.Add(sums, a0, scale, minimum, x0);
                AdvSimdSums<TFormat>.Add(sums + 16, a1, scale, minimum, x1);
                AdvSimdSums<TFormat>.Add(sums + 32, a2, scale, minimum, x2);
                AdvSimdSums<TFormat>.Add(sums + 48, a3, scale, minimum, x3);
                scale = AdvSimdQuads.Halves(header + 8);
                minimum = AdvSimdSums<TFormat>.Minimum(AdvSimdSums<TFormat>.MinimumScale(header, 1), panel, 1);
                AdvSimdSums<TFormat>.Add(sums + 4, b0, scale, minimum, x0);
                AdvSimdSums<TFormat>.Add(sums + 20, b1, scale, minimum, x1);
                AdvSimdSums<TFormat>.Add(sums + 36, b2, scale, minimum, x2);
                AdvSimdSums<TFormat>.Add(sums + 52, b3, scale, minimum, x3);
                panel += TFormat.GroupBytes;
                w += stride;
                x0 += Int8Rows.BlockBytes;
                x1 += Int8Rows.BlockBytes;
                x2 += Int8Rows.BlockBytes;
                x3 += Int8Rows.BlockBytes;
            }
        }
    }

    /// <summary>Half a packed group of 8 rows times 16 activations.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void MultiplyHalf(byte* group, int half, Vector128<sbyte> x, ref Vector128<int> a, ref Vector128<int> b)
    {
        TFormat.Load(group, half, 0, out Vector128<byte> a0, out Vector128<byte> a1, out Vector128<byte> a2, out Vector128<byte> a3);
        TFormat.Load(group, half, 1, out Vector128<byte> b0, out Vector128<byte> b1, out Vector128<byte> b2, out Vector128<byte> b3);
        a = AdvSimdQuads.MultiplyAdd(a, a0.AsSByte(), x, 0);
        b = AdvSimdQuads.MultiplyAdd(b, b0.AsSByte(), x, 0);
        a = AdvSimdQuads.MultiplyAdd(a, a1.AsSByte(), x, 1);
        b = AdvSimdQuads.MultiplyAdd(b, b1.AsSByte(), x, 1);
        a = AdvSimdQuads.MultiplyAdd(a, a2.AsSByte(), x, 2);
        b = AdvSimdQuads.MultiplyAdd(b, b2.AsSByte(), x, 2);
        a = AdvSimdQuads.MultiplyAdd(a, a3.AsSByte(), x, 3);
        b = AdvSimdQuads.MultiplyAdd(b, b3.AsSByte(), x, 3);
    }

    /// <summary>Half an unpacked group of 4 rows times 16 activations of 4 inputs.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void MultiplyHalf(
        byte* w,
        Vector128<sbyte> x0,
        Vector128<sbyte> x1,
        Vector128<sbyte> x2,
        Vector128<sbyte> x3,
        ref Vector128<int> n0,
        ref Vector128<int> n1,
        ref Vector128<int> n2,
        ref Vector128<int> n3)
    {
        Vector128<sbyte> quad = Vector128.Load((sbyte*)w);
        n0 = AdvSimdQuads.MultiplyAdd(n0, quad, x0, 0);
        n1 = AdvSimdQuads.MultiplyAdd(n1, quad, x1, 0);
        n2 = AdvSimdQuads.MultiplyAdd(n2, quad, x2, 0);
        n3 = AdvSimdQuads.MultiplyAdd(n3, quad, x3, 0);
        quad = Vector128.Load((sbyte*)w + 32);
        n0 = AdvSimdQuads.MultiplyAdd(n0, quad, x0, 1);
        n1 = AdvSimdQuads.MultiplyAdd(n1, quad, x1, 1);
        n2 = AdvSimdQuads.MultiplyAdd(n2, quad, x2, 1);
        n3 = AdvSimdQuads.MultiplyAdd(n3, quad, x3, 1);
        quad = Vector128.Load((sbyte*)w + 64);
        n0 = AdvSimdQuads.MultiplyAdd(n0, quad, x0, 2);
        n1 = AdvSimdQuads.MultiplyAdd(n1, quad, x1, 2);
        n2 = AdvSimdQuads.MultiplyAdd(n2, quad, x2, 2);
        n3 = AdvSimdQuads.MultiplyAdd(n3, quad, x3, 2);
        quad = Vector128.Load((sbyte*)w + 96);
        n0 = AdvSimdQuads.MultiplyAdd(n0, quad, x0, 3);
        n1 = AdvSimdQuads.MultiplyAdd(n1, quad, x1, 3);
        n2 = AdvSimdQuads.MultiplyAdd(n2, quad, x2, 3);
        n3 = AdvSimdQuads.MultiplyAdd(n3, quad, x3, 3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void UnpackHalf(byte* group, int half, int rows, byte* target)
    {
        TFormat.Load(group, half, rows, out Vector128<byte> w0, out Vector128<byte> w1, out Vector128<byte> w2, out Vector128<byte> w3);
        w0.Store(target);
        w1.Store(target + 32);
        w2.Store(target + 64);
        w3.Store(target + 96);
    }
}
