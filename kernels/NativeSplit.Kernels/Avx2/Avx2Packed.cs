using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using NativeSplit.Kernels.Formats;

namespace NativeSplit.Kernels.Avx2;

/// <summary>Products of packed weights with AVX2: 8 rows by 1 or 4 inputs in registers.</summary>
/// <remarks>Lane r of an accumulator is row r of the panel; it sums as <c>ScalarPacked.Dot</c> does, whatever the tile.</remarks>
internal static unsafe class Avx2Packed
{
    /// <summary>Bytes of quantised input that stay in a core's second-level cache while every panel passes over them.</summary>
    private const int TileBytes = 192 * 1024;

    /// <summary>Bytes that a panel is fetched ahead.</summary>
    private const int Ahead = 2048;

    public static void Multiply(PackedWeights weights, int firstRow, int rowCount, ReadOnlySpan<byte> x, int inputs, Span<float> y)
    {
        switch (weights.Type)
        {
            case WeightType.Q4_0: Run<Avx2PackedQ4_0>(weights, firstRow, rowCount, x, inputs, y); break;
            case WeightType.Q8_0: Run<Avx2PackedQ8_0>(weights, firstRow, rowCount, x, inputs, y); break;
            case WeightType.Q4_K: Run<Avx2PackedQ4_K>(weights, firstRow, rowCount, x, inputs, y); break;
            case WeightType.Q5_K: Run<Avx2PackedQ5_K>(weights, firstRow, rowCount, x, inputs, y); break;
            case WeightType.Q6_K: Run<Avx2PackedQ6_K>(weights, firstRow, rowCount, x, inputs, y); break;
            default: throw new ArgumentOutOfRangeException(nameof(weights), weights.Type, "No packed kernel for this weight type.");
        }
    }

    private static void Run<TFormat>(PackedWeights weights, int firstRow, int rowCount, ReadOnlySpan<byte> x, int inputs, Span<float> y)
        where TFormat : struct, IAvx2Packed
    {
        int stride = Int8Rows.RowBytes(weights.Columns);
        int blocks = weights.Columns / Int8Rows.BlockLength / TFormat.GroupsPerBlock;
        int tile = Math.Max(4, TileBytes / stride & ~3);
        float* sums = stackalloc float[4 * PackedWeights.RowGranularity];
        fixed (byte* px = x)
        fixed (float* py = y)
        {
            for (int first = 0; first < inputs; first += tile)
            {
                int end = Math.Min(inputs, first + tile);
                for (int row = firstRow; row < firstRow + rowCount; row += PackedWeights.RowGranularity)
                {
                    byte* panel = weights.PanelOf(row);
                    int rows = Math.Min(PackedWeights.RowGranularity, firstRow + rowCount - row);
                    int input = first;
                    for (; input + 4 <= end; input += 4)
                    {
                        Tile4<TFormat>(panel, blocks, px + ((nint)input * stride), stride, sums);
                        Store(sums, rows, 4, py + ((nint)input * weights.Rows) + row, weights.Rows);
                    }

                    for (; input < end; input++)
                    {
                        Tile1<TFormat>(panel, blocks, px + ((nint)input * stride), sums);
                        Store(sums, rows, 1, py + ((nint)input * weights.Rows) + row, weights.Rows);
                    }
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(float* sums, int rows, int inputs, float* y, nint stride)
    {
        for (int input = 0; input < inputs; input++, y += stride, sums += PackedWeights.RowGranularity)
        {
            if (rows == PackedWeights.RowGranularity)
            {
                Vector256.Load(sums).Store(y);
                continue;
            }

            for (int row = 0; row < rows; row++)
            {
                y[row] = sums[row];
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile1<TFormat>(byte* panel, int blocks, byte* x, float* sums)
        where TFormat : struct, IAvx2Packed
    {
        Vector256<float> a = default, minimumScale = default;
        for (; blocks > 0; blocks--)
        {
            Vector256<float> d = Avx2Quads.Halves(panel);
            if (TFormat.HasMinimum)
            {
                minimumScale = Avx2Quads.Halves(panel + 16);
            }

            panel += TFormat.HeaderBytes;
            for (int i = 0; i < TFormat.GroupsPerBlock; i++)
            {
                Fetch<TFormat>(panel);
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

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile4<TFormat>(byte* panel, int blocks, byte* x, nint stride, float* sums)
        where TFormat : struct, IAvx2Packed
    {
        Vector256<float> a0 = default, a1 = default, a2 = default, a3 = default, minimumScale = default;
        nint stride3 = 3 * stride;
        for (; blocks > 0; blocks--)
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
    private static void Fetch<TFormat>(byte* group)
        where TFormat : struct, IAvx2Packed
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
