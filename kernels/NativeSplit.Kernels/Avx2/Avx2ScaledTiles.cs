using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using NativeSplit.Kernels.Packing;

namespace NativeSplit.Kernels.Avx2;

/// <summary>Blocked products of Q5_K and Q6_K, whose products are widened to 32 bits several times a group: one panel after the other.</summary>
/// <typeparam name="TFormat">The type of the weights.</typeparam>
internal readonly unsafe struct Avx2ScaledTiles<TFormat> : IBlockedTiles
    where TFormat : struct, IAvx2Packed
{
    /// <inheritdoc/>
    public static bool NeedsUnpacking => true;

    /// <inheritdoc/>
    public static void Tile1(byte* panel, int groups, byte* x, float* sums) => Avx2Panel<TFormat>.Tile1(panel, groups, x, sums);

    /// <inheritdoc/>
    public static void Unpack(byte* panel, int groups, byte* target) => Avx2Panel<TFormat>.Unpack(panel, groups, target);

    /// <inheritdoc/>
    public static void Tile(in BlockedTile tile)
    {
        AddPanel(tile, tile.UnpackedA, tile.PanelA, tile.AheadA, tile.Sums);
        if (tile.PanelB != tile.PanelA)
        {
            AddPanel(tile, tile.UnpackedB, tile.PanelB, tile.AheadB, tile.Sums + 8);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddPanel(in BlockedTile tile, byte* w, byte* panel, byte* aheadOfPanel, float* sums)
    {
        byte* x0 = tile.X0, x1 = tile.X1, x2 = tile.X2, x3 = tile.X3;
        nint ahead = (nint)(aheadOfPanel - panel);
        for (int block = tile.Groups / TFormat.GroupsPerBlock; block > 0; block--)
        {
            Vector256<float> d = Avx2Quads.Halves(panel), minimumScale = Avx2Sums<TFormat>.MinimumScale(panel);
            panel += TFormat.HeaderBytes;
            for (int i = 0; i < TFormat.GroupsPerBlock; i++)
            {
                Avx2Panel<TFormat>.Fetch(panel + ahead);
                Vector256<short> scale = TFormat.Scale(panel, 0);
                Vector256<byte> w0 = Vector256.Load(w), w1 = Vector256.Load(w + 32), w2 = Vector256.Load(w + 64), w3 = Vector256.Load(w + 96);
                Vector256<int> n0 = TFormat.Add(TFormat.Start(x0), w0, w1, w2, w3, x0, scale);
                Vector256<int> n1 = TFormat.Add(TFormat.Start(x1), w0, w1, w2, w3, x1, scale);
                Vector256<int> n2 = TFormat.Add(TFormat.Start(x2), w0, w1, w2, w3, x2, scale);
                Vector256<int> n3 = TFormat.Add(TFormat.Start(x3), w0, w1, w2, w3, x3, scale);

                scale = TFormat.Scale(panel, 1);
                w0 = Vector256.Load(w + 128);
                w1 = Vector256.Load(w + 160);
                w2 = Vector256.Load(w + 192);
                w3 = Vector256.Load(w + 224);
                n0 = TFormat.Add(n0, w0, w1, w2, w3, x0 + 16, scale);
                n1 = TFormat.Add(n1, w0, w1, w2, w3, x1 + 16, scale);
                n2 = TFormat.Add(n2, w0, w1, w2, w3, x2 + 16, scale);
                n3 = TFormat.Add(n3, w0, w1, w2, w3, x3 + 16, scale);

                // All integers before the first store, so that what the four share is worked out once.
                n0 = TFormat.Finish(n0, panel, scale, x0);
                n1 = TFormat.Finish(n1, panel, scale, x1);
                n2 = TFormat.Finish(n2, panel, scale, x2);
                n3 = TFormat.Finish(n3, panel, scale, x3);
                Vector256<float> minimum = Avx2Sums<TFormat>.Minimum(minimumScale, panel);
                Avx2Sums<TFormat>.Add(n0, d, minimum, x0, sums);
                Avx2Sums<TFormat>.Add(n1, d, minimum, x1, sums + 16);
                Avx2Sums<TFormat>.Add(n2, d, minimum, x2, sums + 32);
                Avx2Sums<TFormat>.Add(n3, d, minimum, x3, sums + 48);
                panel += TFormat.GroupBytes;
                w += 256;
                x0 += Int8Rows.BlockBytes;
                x1 += Int8Rows.BlockBytes;
                x2 += Int8Rows.BlockBytes;
                x3 += Int8Rows.BlockBytes;
            }
        }
    }
}
