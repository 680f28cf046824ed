using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace NativeSplit.Kernels.Avx2;

/// <summary>What all blocked products with AVX2 share: one input, and unpacking.</summary>
/// <remarks>Lane r of an accumulator is row r of the panel; it sums as <c>ScalarPacked.Dot</c> does, whatever the tile.</remarks>
/// <typeparam name="TFormat">The type of the weights.</typeparam>
internal static unsafe class Avx2Panel<TFormat>
    where TFormat : struct, IAvx2Packed
{
    /// <summary>Bytes that a panel is fetched ahead.</summary>
    private const int Ahead = 2048;

    private const int Line = 64;

    /// <summary>8 rows times one input.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Tile1(byte* panel, int groups, byte* x, float* sums)
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
                Fetch(panel + Ahead);
                Vector256<short> scale = TFormat.Scale(panel, 0);
                TFormat.Load(panel, 0, out Vector256<byte> w0, out Vector256<byte> w1, out Vector256<byte> w2, out Vector256<byte> w3);
                Vector256<int> n = TFormat.Add(TFormat.Start(x), w0, w1, w2, w3, x, scale);
                scale = TFormat.Scale(panel, 1);
                TFormat.Load(panel, 1, out w0, out w1, out w2, out w3);
                n = TFormat.Add(n, w0, w1, w2, w3, x + 16, scale);
                n = TFormat.Finish(n, panel, scale, x);
                a = Fma.MultiplyAdd(Vector256.ConvertToSingle(n), d * Avx2Quads.Meta(x, Int8Rows.ScaleOffset), a);
                if (TFormat.HasMinimum)
                {
                    a = Fma.MultiplyAdd(minimumScale * TFormat.Minimum(panel), Avx2Quads.Meta(x, Int8Rows.OffsetOffset), a);
                }

                panel += TFormat.GroupBytes;
                x += Int8Rows.BlockBytes;
            }
        }

        a.Store(sums);
    }

    /// <summary>Unpacks whole blocks: 8 vectors per group.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Unpack(byte* panel, int groups, byte* target)
    {
        for (int block = groups / TFormat.GroupsPerBlock; block > 0; block--)
        {
            panel += TFormat.HeaderBytes;
            for (int i = 0; i < TFormat.GroupsPerBlock; i++)
            {
                TFormat.Load(panel, 0, out Vector256<byte> w0, out Vector256<byte> w1, out Vector256<byte> w2, out Vector256<byte> w3);
                w0.Store(target);
                w1.Store(target + 32);
                w2.Store(target + 64);
                w3.Store(target + 96);
                TFormat.Load(panel, 1, out w0, out w1, out w2, out w3);
                w0.Store(target + 128);
                w1.Store(target + 160);
                w2.Store(target + 192);
                w3.Store(target + 224);
                panel += TFormat.GroupBytes;
                target += 256;
            }
        }
    }

    /// <summary>Fetches a group into the second-level cache, with its share of the header. A hint only: an address behind the weights does no harm.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Fetch(byte* group)
    {
        int bytes = TFormat.GroupBytes + (TFormat.HeaderBytes / TFormat.GroupsPerBlock);
        Sse.Prefetch1(group);
        Sse.Prefetch1(group + Line);
        if (bytes > 2 * Line)
        {
            Sse.Prefetch1(group + (2 * Line));
        }

        if (bytes > 3 * Line)
        {
            Sse.Prefetch1(group + (3 * Line));
        }

        if (bytes > 4 * Line)
        {
            Sse.Prefetch1(group + (4 * Line));
        }
    }
}
