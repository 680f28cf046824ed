using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using NativeSplit.Kernels.Packing;
using X86Avx2 = System.Runtime.Intrinsics.X86.Avx2;

namespace NativeSplit.Kernels.Avx2;

/// <summary>Blocked products of Q8_0 and IQ4_NL, whose weights are signed bytes: the magnitude of the weight times the activation with its sign.</summary>
/// <remarks>16 rows by 4 inputs, in 32-bit lanes, since two products fill 16 bits.</remarks>
/// <typeparam name="TFormat">The type of the weights.</typeparam>
internal readonly unsafe struct Avx2SignedTiles<TFormat> : IBlockedTiles
    where TFormat : struct, IAvx2Packed
{
    private const int UnpackedBytes = 256;

    /// <inheritdoc/>
    public static bool NeedsUnpacking => TFormat.GroupBytes != UnpackedBytes;

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
        byte* a = NeedsUnpacking ? tile.UnpackedA : panel + TFormat.HeaderBytes;
        byte* b = NeedsUnpacking ? tile.UnpackedB : a + next;
        Vector256<short> ones = Vector256<short>.One;
        for (int group = tile.Groups; group > 0; group--)
        {
            Avx2Panel<TFormat>.Fetch(panel + ahead);
            Avx2Panel<TFormat>.Fetch(panel + ahead + aheadB);
            Vector256<int> a0 = default, a1 = default, a2 = default, a3 = default, b0 = default, b1 = default, b2 = default, b3 = default;
            Vector256<sbyte> wa, wb, x;
            Vector256<byte> ma, mb;

            wa = Vector256.Load((sbyte*)a + 0);
            wb = Vector256.Load((sbyte*)b + 0);
            ma = X86Avx2.Abs(wa);
            mb = X86Avx2.Abs(wb);
            x = Avx2Quads.Broadcast(x0 + 0);
            a0 += Products(ma, X86Avx2.Sign(x, wa), ones);
            b0 += Products(mb, X86Avx2.Sign(x, wb), ones);
            x = Avx2Quads.Broadcast(x1 + 0);
            a1 += Products(ma, X86Avx2.Sign(x, wa), ones);
            b1 += Products(mb, X86Avx2.Sign(x, wb), ones);
            x = Avx2Quads.Broadcast(x2 + 0);
            a2 += Products(ma, X86Avx2.Sign(x, wa), ones);
            b2 += Products(mb, X86Avx2.Sign(x, wb), ones);
            x = Avx2Quads.Broadcast(x3 + 0);
            a3 += Products(ma, X86Avx2.Sign(x, wa), ones);
            b3 += Products(mb, X86Avx2.Sign(x, wb), ones);

            wa = Vector256.Load((sbyte*)a + 32);
            wb = Vector256.Load((sbyte*)b + 32);
            ma = X86Avx2.Abs(wa);
            mb = X86Avx2.Abs(wb);
            x = Avx2Quads.Broadcast(x0 + 4);
            a0 += Products(ma, X86Avx2.Sign(x, wa), ones);
            b0 += Products(mb, X86Avx2.Sign(x, wb), ones);
            x = Avx2Quads.Broadcast(x1 + 4);
            a1 += Products(ma, X86Avx2.Sign(x, wa), ones);
            b1 += Products(mb, X86Avx2.Sign(x, wb), ones);
            x = Avx2Quads.Broadcast(x2 + 4);
            a2 += Products(ma, X86Avx2.Sign(x, wa), ones);
            b2 += Products(mb, X86Avx2.Sign(x, wb), ones);
            x = Avx2Quads.Broadcast(x3 + 4);
            a3 += Products(ma, X86Avx2.Sign(x, wa), ones);
            b3 += Products(mb, X86Avx2.Sign(x, wb), ones);

            wa = Vector256.Load((sbyte*)a + 64);
            wb = Vector256.Load((sbyte*)b + 64);
            ma = X86Avx2.Abs(wa);
            mb = X86Avx2.Abs(wb);
            x = Avx2Quads.Broadcast(x0 + 8);
            a0 += Products(ma, X86Avx2.Sign(x, wa), ones);
            b0 += Products(mb, X86Avx2.Sign(x, wb), ones);
            x = Avx2Quads.Broadcast(x1 + 8);
            a1 += Products(ma, X86Avx2.Sign(x, wa), ones);
            b1 += Products(mb, X86Avx2.Sign(x, wb), ones);
            x = Avx2Quads.Broadcast(x2 + 8);
            a2 += Products(ma, X86Avx2.Sign(x, wa), ones);
            b2 += Products(mb, X86Avx2.Sign(x, wb), ones);
            x = Avx2Quads.Broadcast(x3 + 8);
            a3 += Products(ma, X86Avx2.Sign(x, wa), ones);
            b3 += Products(mb, X86Avx2.Sign(x, wb), ones);

            wa = Vector256.Load((sbyte*)a + 96);
            wb = Vector256.Load((sbyte*)b + 96);
            ma = X86Avx2.Abs(wa);
            mb = X86Avx2.Abs(wb);
            x = Avx2Quads.Broadcast(x0 + 12);
            a0 += Products(ma, X86Avx2.Sign(x, wa), ones);
            b0 += Products(mb, X86Avx2.Sign(x, wb), ones);
            x = Avx2Quads.Broadcast(x1 + 12);
            a1 += Products(ma, X86Avx2.Sign(x, wa), ones);
            b1 += Products(mb, X86Avx2.Sign(x, wb), ones);
            x = Avx2Quads.Broadcast(x2 + 12);
            a2 += Products(ma, X86Avx2.Sign(x, wa), ones);
            b2 += Products(mb, X86Avx2.Sign(x, wb), ones);
            x = Avx2Quads.Broadcast(x3 + 12);
            a3 += Products(ma, X86Avx2.Sign(x, wa), ones);
            b3 += Products(mb, X86Avx2.Sign(x, wb), ones);

            wa = Vector256.Load((sbyte*)a + 128);
            wb = Vector256.Load((sbyte*)b + 128);
            ma = X86Avx2.Abs(wa);
            mb = X86Avx2.Abs(wb);
            x = Avx2Quads.Broadcast(x0 + 16);
            a0 += Products(ma, X86Avx2.Sign(x, wa), ones);
            b0 += Products(mb, X86Avx2.Sign(x, wb), ones);
            x = Avx2Quads.Broadcast(x1 + 16);
            a1 += Products(ma, X86Avx2.Sign(x, wa), ones);
            b1 += Products(mb, X86Avx2.Sign(x, wb), ones);
            x = Avx2Quads.Broadcast(x2 + 16);
            a2 += Products(ma, X86Avx2.Sign(x, wa), ones);
            b2 += Products(mb, X86Avx2.Sign(x, wb), ones);
            x = Avx2Quads.Broadcast(x3 + 16);
            a3 += Products(ma, X86Avx2.Sign(x, wa), ones);
            b3 += Products(mb, X86Avx2.Sign(x, wb), ones);

            wa = Vector256.Load((sbyte*)a + 160);
            wb = Vector256.Load((sbyte*)b + 160);
            ma = X86Avx2.Abs(wa);
            mb = X86Avx2.Abs(wb);
            x = Avx2Quads.Broadcast(x0 + 20);
            a0 += Products(ma, X86Avx2.Sign(x, wa), ones);
            b0 += Products(mb, X86Avx2.Sign(x, wb), ones);
            x = Avx2Quads.Broadcast(x1 + 20);
            a1 += Products(ma, X86Avx2.Sign(x, wa), ones);
            b1 += Products(mb, X86Avx2.Sign(x, wb), ones);
            x = Avx2Quads.Broadcast(x2 + 20);
            a2 += Products(ma, X86Avx2.Sign(x, wa), ones);
            b2 += Products(mb, X86Avx2.Sign(x, wb), ones);
            x = Avx2Quads.Broadcast(x3 + 20);
            a3 += Products(ma, X86Avx2.Sign(x, wa), ones);
            b3 += Products(mb, X86Avx2.Sign(x, wb), ones);

            wa = Vector256.Load((sbyte*)a + 192);
            wb = Vector256.Load((sbyte*)b + 192);
            ma = X86Avx2.Abs(wa);
            mb = X86Avx2.Abs(wb);
            x = Avx2Quads.Broadcast(x0 + 24);
            a0 += Products(ma, X86Avx2.Sign(x, wa), ones);
            b0 += Products(mb, X86Avx2.Sign(x, wb), ones);
            x = Avx2Quads.Broadcast(x1 + 24);
            a1 += Products(ma, X86Avx2.Sign(x, wa), ones);
            b1 += Products(mb, X86Avx2.Sign(x, wb), ones);
            x = Avx2Quads.Broadcast(x2 + 24);
            a2 += Products(ma, X86Avx2.Sign(x, wa), ones);
            b2 += Products(mb, X86Avx2.Sign(x, wb), ones);
            x = Avx2Quads.Broadcast(x3 + 24);
            a3 += Products(ma, X86Avx2.Sign(x, wa), ones);
            b3 += Products(mb, X86Avx2.Sign(x, wb), ones);

            wa = Vector256.Load((sbyte*)a + 224);
            wb = Vector256.Load((sbyte*)b + 224);
            ma = X86Avx2.Abs(wa);
            mb = X86Avx2.Abs(wb);
            x = Avx2Quads.Broadcast(x0 + 28);
            a0 += Products(ma, X86Avx2.Sign(x, wa), ones);
            b0 += Products(mb, X86Avx2.Sign(x, wb), ones);
            x = Avx2Quads.Broadcast(x1 + 28);
            a1 += Products(ma, X86Avx2.Sign(x, wa), ones);
            b1 += Products(mb, X86Avx2.Sign(x, wb), ones);
            x = Avx2Quads.Broadcast(x2 + 28);
            a2 += Products(ma, X86Avx2.Sign(x, wa), ones);
            b2 += Products(mb, X86Avx2.Sign(x, wb), ones);
            x = Avx2Quads.Broadcast(x3 + 28);
            a3 += Products(ma, X86Avx2.Sign(x, wa), ones);
            b3 += Products(mb, X86Avx2.Sign(x, wb), ones);

            Vector256<float> d = Avx2Quads.Halves(panel);
            Avx2Sums<TFormat>.Add(a0, d, default, x0, sums);
            Avx2Sums<TFormat>.Add(a1, d, default, x1, sums + 16);
            Avx2Sums<TFormat>.Add(a2, d, default, x2, sums + 32);
            Avx2Sums<TFormat>.Add(a3, d, default, x3, sums + 48);
            d = Avx2Quads.Halves(panel + next);
            Avx2Sums<TFormat>.Add(b0, d, default, x0, sums + 8);
            Avx2Sums<TFormat>.Add(b1, d, default, x1, sums + 24);
            Avx2Sums<TFormat>.Add(b2, d, default, x2, sums + 40);
            Avx2Sums<TFormat>.Add(b3, d, default, x3, sums + 56);
            panel += TFormat.HeaderBytes + TFormat.GroupBytes;
            a += NeedsUnpacking ? UnpackedBytes : TFormat.HeaderBytes + UnpackedBytes;
            b += NeedsUnpacking ? UnpackedBytes : TFormat.HeaderBytes + UnpackedBytes;
            x0 += Int8Rows.BlockBytes;
            x1 += Int8Rows.BlockBytes;
            x2 += Int8Rows.BlockBytes;
            x3 += Int8Rows.BlockBytes;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Products(Vector256<byte> magnitude, Vector256<sbyte> signed, Vector256<short> ones) =>
        X86Avx2.MultiplyAddAdjacent(X86Avx2.MultiplyAddAdjacent(magnitude, signed), ones);
}
