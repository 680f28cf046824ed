namespace NativeSplit.Kernels.Packing;

/// <summary>Walks packed rows and inputs in tiles.</summary>
internal static unsafe class PackedProduct
{
    /// <summary>Bytes of quantised input that stay in a core's second-level cache while every panel passes over them.</summary>
    private const int InputBytes = 192 * 1024;

    /// <summary>Most rows of a tile.</summary>
    private const int MaxRows = 2 * PackedWeights.RowGranularity;

    /// <summary>As <see cref="KernelSet.Multiply(PackedWeights, int, int, ReadOnlySpan{byte}, int, Span{float})"/>, arguments checked, something to do.</summary>
    /// <remarks>
    /// Inputs are taken as many at a time as the cache holds, panels within, so that a panel is read once for all of them
    /// and is in the first-level cache from its second tile on.
    /// </remarks>
    public static void Run<TTiles>(PackedWeights weights, int firstRow, int rowCount, ReadOnlySpan<byte> x, int inputs, Span<float> y)
        where TTiles : struct, IPackedTiles
    {
        int stride = Int8Rows.RowBytes(weights.Columns);
        int groups = weights.Columns / Int8Rows.BlockLength;
        int together = Math.Max(4, InputBytes / stride & ~3);
        float* sums = stackalloc float[4 * MaxRows];
        fixed (byte* px = x)
        fixed (float* py = y)
        {
            for (int first = 0; first < inputs; first += together)
            {
                int end = Math.Min(inputs, first + together);
                for (int row = firstRow; row < firstRow + rowCount; row += TTiles.Rows)
                {
                    byte* panel = weights.PanelOf(row);
                    int rows = Math.Min(TTiles.Rows, firstRow + rowCount - row);

                    // Without a second panel the first one is computed twice.
                    nint next = rows > PackedWeights.RowGranularity ? weights.PanelBytes : 0;
                    int input = first;
                    for (; input + 4 <= end; input += 4)
                    {
                        TTiles.Tile4(panel, next, groups, px + ((nint)input * stride), stride, sums);
                        Store(sums, TTiles.Rows, rows, 4, py + ((nint)input * weights.Rows) + row, weights.Rows);
                    }

                    for (; input < end; input++)
                    {
                        TTiles.Tile1(panel, next, groups, px + ((nint)input * stride), sums);
                        Store(sums, TTiles.Rows, rows, 1, py + ((nint)input * weights.Rows) + row, weights.Rows);
                    }
                }
            }
        }
    }

    private static void Store(float* sums, int tileRows, int rows, int inputs, float* y, nint stride)
    {
        for (int input = 0; input < inputs; input++, y += stride, sums += tileRows)
        {
            new ReadOnlySpan<float>(sums, rows).CopyTo(new Span<float>(y, rows));
        }
    }
}
