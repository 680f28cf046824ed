using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using NativeSplit.Kernels.Packing;
using X86Avx2 = System.Runtime.Intrinsics.X86.Avx2;

namespace NativeSplit.Kernels.Avx2;

/// <summary>Blocked products of Q4_0 and Q4_K: all 32 products of a row and an input go into two 16-bit lanes.</summary>
/// <remarks>
/// 16 rows by 4 inputs: 8 accumulators, so that each broadcast activation meets two vectors of weights, and each vector of weights 4
/// inputs. Two operations unpack a vector of weights, so scratch, which costs stores, doesn't pay.
/// </remarks>
/// <typeparam name="TFormat">The type of the weights.</typeparam>
internal readonly unsafe struct Avx2NibbleTiles<TFormat> : IBlockedTiles
    where TFormat : struct, IAvx2Packed
{
    /// <inheritdoc/>
    public static bool NeedsUnpacking => false;

    /// <inheritdoc/>
    public static void Tile1(byte* panel, int groups, byte* x, float* sums) => Avx2Panel<TFormat>.Tile1(panel, groups, x, sums);

    /// <inheritdoc/>
    public static void Unpack(byte* panel, int groups, byte* target) => Avx2Panel<TFormat>.Unpack(panel, groups, target);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Tile(in BlockedTile tile)
    {
        byte* x0 = tile.X0, x1 = tile.X1, x2 = tile.X2, x3 = tile.X3, panel = tile.PanelA;
        nint next = (nint)(tile.PanelB - panel), ahead = (nint)(tile.AheadA - panel), aheadB = (nint)(tile.AheadB - tile.AheadA);
        float* sums = tile.Sums;
        Vector256<byte> low = Vector256.Create((byte)15);
        for (int block = tile.Groups / TFormat.GroupsPerBlock; block > 0; block--)
        {
            Vector256<float> dA = Avx2Quads.Halves(panel), dB = Avx2Quads.Halves(panel + next);
            Vector256<float> minimumScaleA = Avx2Sums<TFormat>.MinimumScale(panel), minimumScaleB = Avx2Sums<TFormat>.MinimumScale(panel + next);
            panel += TFormat.HeaderBytes;
            for (int i = 0; i < TFormat.GroupsPerBlock; i++)
            {
                Avx2Panel<TFormat>.Fetch(panel + ahead);
                Avx2Panel<TFormat>.Fetch(panel + ahead + aheadB);
                Vector256<short> a0 = TFormat.Start(x0).AsInt16(), a1 = TFormat.Start(x1).AsInt16(), a2 = TFormat.Start(x2).AsInt16(), a3 = TFormat.Start(x3).AsInt16();
                Vector256<short> b0 = a0, b1 = a1, b2 = a2, b3 = a3;
                Vector256<byte> storedA, storedB, wa, wb;
                Vector256<sbyte> x;

                storedA = Vector256.Load(panel + 0);
                storedB = Vector256.Load(panel + next + 0);
                wa = storedA & low;
                wb = storedB & low;
                x = Avx2Quads.Broadcast(x0 + 0);
                a0 += X86Avx2.MultiplyAddAdjacent(wa, x);
                b0 += X86Avx2.MultiplyAddAdjacent(wb, x);
                x = Avx2Quads.Broadcast(x1 + 0);
                a1 += X86Avx2.MultiplyAddAdjacent(wa, x);
                b1 += X86Avx2.MultiplyAddAdjacent(wb, x);
                x = Avx2Quads.Broadcast(x2 + 0);
                a2 += X86Avx2.MultiplyAddAdjacent(wa, x);
                b2 += X86Avx2.MultiplyAddAdjacent(wb, x);
                x = Avx2Quads.Broadcast(x3 + 0);
                a3 += X86Avx2.MultiplyAddAdjacent(wa, x);
                b3 += X86Avx2.MultiplyAddAdjacent(wb, x);

                wa = (storedA.AsUInt16() >> 4).AsByte() & low;
                wb = (storedB.AsUInt16() >> 4).AsByte() & low;
                x = Avx2Quads.Broadcast(x0 + 4);
                a0 += X86Avx2.MultiplyAddAdjacent(wa, x);
                b0 += X86Avx2.MultiplyAddAdjacent(wb, x);
                x = Avx2Quads.Broadcast(x1 + 4);
                a1 += X86Avx2.MultiplyAddAdjacent(wa, x);
                b1 += X86Avx2.MultiplyAddAdjacent(wb, x);
                x = Avx2Quads.Broadcast(x2 + 4);
                a2 += X86Avx2.MultiplyAddAdjacent(wa, x);
                b2 += X86Avx2.MultiplyAddAdjacent(wb, x);
                x = Avx2Quads.Broadcast(x3 + 4);
                a3 += X86Avx2.MultiplyAddAdjacent(wa, x);
                b3 += X86Avx2.MultiplyAddAdjacent(wb, x);

                storedA = Vector256.Load(panel + 32);
                storedB = Vector256.Load(panel + next + 32);
                wa = storedA & low;
                wb = storedB & low;
                x = Avx2Quads.Broadcast(x0 + 8);
                a0 += X86Avx2.MultiplyAddAdjacent(wa, x);
                b0 += X86Avx2.MultiplyAddAdjacent(wb, x);
                x = Avx2Quads.Broadcast(x1 + 8);
                a1 += X86Avx2.MultiplyAddAdjacent(wa, x);
                b1 += X86Avx2.MultiplyAddAdjacent(wb, x);
                x = Avx2Quads.Broadcast(x2 + 8);
                a2 += X86Avx2.MultiplyAddAdjacent(wa, x);
                b2 += X86Avx2.MultiplyAddAdjacent(wb, x);
                x = Avx2Quads.Broadcast(x3 + 8);
                a3 += X86Avx2.MultiplyAddAdjacent(wa, x);
                b3 += X86Avx2.MultiplyAddAdjacent(wb, x);

                wa = (storedA.AsUInt16() >> 4).AsByte() & low;
                wb = (storedB.AsUInt16() >> 4).AsByte() & low;
                x = Avx2Quads.Broadcast(x0 + 12);
                a0 += X86Avx2.MultiplyAddAdjacent(wa, x);
                b0 += X86Avx2.MultiplyAddAdjacent(wb, x);
                x = Avx2Quads.Broadcast(x1 + 12);
                a1 += X86Avx2.MultiplyAddAdjacent(wa, x);
                b1 += X86Avx2.MultiplyAddAdjacent(wb, x);
                x = Avx2Quads.Broadcast(x2 + 12);
                a2 += X86Avx2.MultiplyAddAdjacent(wa, x);
                b2 += X86Avx2.MultiplyAddAdjacent(wb, x);
                x = Avx2Quads.Broadcast(x3 + 12);
                a3 += X86Avx2.MultiplyAddAdjacent(wa, x);
                b3 += X86Avx2.MultiplyAddAdjacent(wb, x);

                storedA = Vector256.Load(panel + 64);
                storedB = Vector256.Load(panel + next + 64);
                wa = storedA & low;
                wb = storedB & low;
                x = Avx2Quads.Broadcast(x0 + 16);
                a0 += X86Avx2.MultiplyAddAdjacent(wa, x);
                b0 += X86Avx2.MultiplyAddAdjacent(wb, x);
                x = Avx2Quads.Broadcast(x1 + 16);
                a1 += X86Avx2.MultiplyAddAdjacent(wa, x);
                b1 += X86Avx2.MultiplyAddAdjacent(wb, x);
                x = Avx2Quads.Broadcast(x2 + 16);
                a2 += X86Avx2.MultiplyAddAdjacent(wa, x);
                b2 += X86Avx2.MultiplyAddAdjacent(wb, x);
                x = Avx2Quads.Broadcast(x3 + 16);
                a3 += X86Avx2.MultiplyAddAdjacent(wa, x);
                b3 += X86Avx2.MultiplyAddAdjacent(wb, x);

                wa = (storedA.AsUInt16() >> 4).AsByte() & low;
                wb = (storedB.AsUInt16() >> 4).AsByte() & low;
                x = Avx2Quads.Broadcast(x0 + 20);
                a0 += X86Avx2.MultiplyAddAdjacent(wa, x);
                b0 += X86Avx2.MultiplyAddAdjacent(wb, x);
                x = Avx2Quads.Broadcast(x1 + 20);
                a1 += X86Avx2.MultiplyAddAdjacent(wa, x);
                b1 += X86Avx2.MultiplyAddAdjacent(wb, x);
                x = Avx2Quads.Broadcast(x2 + 20);
                a2 += X86Avx2.MultiplyAddAdjacent(wa, x);
                b2 += X86Avx2.MultiplyAddAdjacent(wb, x);
                x = Avx2Quads.Broadcast(x3 + 20);
                a3 += X86Avx2.MultiplyAddAdjacent(wa, x);
                b3 += X86Avx2.MultiplyAddAdjacent(wb, x);

                storedA = Vector256.Load(panel + 96);
                storedB = Vector256.Load(panel + next + 96);
                wa = storedA & low;
                wb = storedB & low;
                x = Avx2Quads.Broadcast(x0 + 24);
                a0 += X86Avx2.MultiplyAddAdjacent(wa, x);
                b0 += X86Avx2.MultiplyAddAdjacent(wb, x);
                x = Avx2Quads.Broadcast(x1 + 24);
                a1 += X86Avx2.MultiplyAddAdjacent(wa, x);
                b1 += X86Avx2.MultiplyAddAdjacent(wb, x);
                x = Avx2Quads.Broadcast(x2 + 24);
                a2 += X86Avx2.MultiplyAddAdjacent(wa, x);
                b2 += X86Avx2.MultiplyAddAdjacent(wb, x);
                x = Avx2Quads.Broadcast(x3 + 24);
                a3 += X86Avx2.MultiplyAddAdjacent(wa, x);
                b3 += X86Avx2.MultiplyAddAdjacent(wb, x);

                wa = (storedA.AsUInt16() >> 4).AsByte() & low;
                wb = (storedB.AsUInt16() >> 4).AsByte() & low;
                x = Avx2Quads.Broadcast(x0 + 28);
                a0 += X86Avx2.MultiplyAddAdjacent(wa, x);
                b0 += X86Avx2.MultiplyAddAdjacent(wb, x);
                x = Avx2Quads.Broadcast(x1 + 28);
                a1 += X86Avx2.MultiplyAddAdjacent(wa, x);
                b1 += X86Avx2.MultiplyAddAdjacent(wb, x);
                x = Avx2Quads.Broadcast(x2 + 28);
                a2 += X86Avx2.MultiplyAddAdjacent(wa, x);
                b2 += X86Avx2.MultiplyAddAdjacent(wb, x);
                x = Avx2Quads.Broadcast(x3 + 28);
                a3 += X86Avx2.MultiplyAddAdjacent(wa, x);
                b3 += X86Avx2.MultiplyAddAdjacent(wb, x);

                Vector256<short> scale = TFormat.Scale(panel, 1);
                Vector256<float> minimum = Avx2Sums<TFormat>.Minimum(minimumScaleA, panel);
                Avx2Sums<TFormat>.Add(X86Avx2.MultiplyAddAdjacent(a0, scale), dA, minimum, x0, sums);
                Avx2Sums<TFormat>.Add(X86Avx2.MultiplyAddAdjacent(a1, scale), dA, minimum, x1, sums + 16);
                Avx2Sums<TFormat>.Add(X86Avx2.MultiplyAddAdjacent(a2, scale), dA, minimum, x2, sums + 32);
                Avx2Sums<TFormat>.Add(X86Avx2.MultiplyAddAdjacent(a3, scale), dA, minimum, x3, sums + 48);
                scale = TFormat.Scale(panel + next, 1);
                minimum = Avx2Sums<TFormat>.Minimum(minimumScaleB, panel + next);
                Avx2Sums<TFormat>.Add(X86Avx2.MultiplyAddAdjacent(b0, scale), dB, minimum, x0, sums + 8);
                Avx2Sums<TFormat>.Add(X86Avx2.MultiplyAddAdjacent(b1, scale), dB, minimum, x1, sums + 24);
                Avx2Sums<TFormat>.Add(X86Avx2.MultiplyAddAdjacent(b2, scale), dB, minimum, x2, sums + 40);
                Avx2Sums<TFormat>.Add(X86Avx2.MultiplyAddAdjacent(b3, scale), dB, minimum, x3, sums + 56);
                panel += TFormat.GroupBytes;
                x0 += Int8Rows.BlockBytes;
                x1 += Int8Rows.BlockBytes;
                x2 += Int8Rows.BlockBytes;
                x3 += Int8Rows.BlockBytes;
            }
        }
    }
}
