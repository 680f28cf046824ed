using System.Runtime.CompilerServices;

namespace NativeSplit.Kernels.Packing;

/// <summary>Walks packed rows and inputs so that weights are read once from memory and unpacked once for all inputs.</summary>
/// <remarks>
/// Two panels at a time, <see cref="ChunkGroups"/> groups of columns at a time. These stay in the first-level cache, unpacked into
/// scratch where that pays, while all inputs pass over them, 4 at a time; the sums wait in memory between chunks. What doesn't fill a
/// tile of inputs goes alone. A sum takes its terms in the same order whatever the way.
/// </remarks>
internal static unsafe class BlockedProduct
{
    /// <summary>Groups of columns that are unpacked at a time: 2 × 8 KiB of scratch. A multiple of the groups of every block.</summary>
    private const int ChunkGroups = 32;

    private const int UnpackedGroupBytes = PackedLayout.PanelRows * PackedLayout.GroupColumns;
    private const int ChunkBytes = ChunkGroups * UnpackedGroupBytes;

    /// <summary>Bytes of quantised input that stay in a core's second-level cache while every panel passes over them.</summary>
    private const int InputBytes = 192 * 1024;

    /// <summary>Most inputs at a time, which bounds the sums.</summary>
    private const int MaxInputs = 128;

    private const int TileInputs = 4;
    private const int TileRows = 2 * PackedLayout.PanelRows;
    private const int Line = 64;

    /// <summary>As <see cref="KernelSet.Multiply(PackedWeights, int, int, ReadOnlySpan{byte}, int, Span{float})"/>, arguments checked, something to do.</summary>
    public static void Run<TTiles>(PackedWeights weights, int firstRow, int rowCount, ReadOnlySpan<byte> x, int inputs, Span<float> y)
        where TTiles : struct, IBlockedTiles
    {
        int stride = Int8Rows.RowBytes(weights.Columns);
        fixed (byte* px = x)
        fixed (float* py = y)
        {
            int together = Math.Clamp(InputBytes / stride & ~(TileInputs - 1), TileInputs, MaxInputs);
            for (int first = 0; first < inputs; first += together)
            {
                int count = Math.Min(together, inputs - first);
                RunTogether<TTiles>(weights, firstRow, rowCount, px + ((nint)first * stride), count, py + ((nint)first * weights.Rows));
            }
        }
    }

    [SkipLocalsInit]
    private static void RunTogether<TTiles>(PackedWeights weights, int firstRow, int rowCount, byte* x, int inputs, float* y)
        where TTiles : struct, IBlockedTiles
    {
        byte* unaligned = stackalloc byte[(2 * ChunkBytes) + (MaxInputs * TileRows * sizeof(float)) + Line];
        byte* scratch = (byte*)(((nuint)unaligned + (Line - 1)) & ~(nuint)(Line - 1));
        float* sums = (float*)(scratch + (2 * ChunkBytes));
        int stride = Int8Rows.RowBytes(weights.Columns);
        int groups = weights.Columns / PackedLayout.GroupColumns;

        // One or two inputs that don't fill a tile cost less on their own.
        int tiled = inputs % TileInputs == TileInputs - 1 ? inputs : inputs - (inputs % TileInputs);
        for (int row = firstRow; row < firstRow + rowCount; row += TileRows)
        {
            int rows = Math.Min(TileRows, firstRow + rowCount - row);

            // Without a second panel the first one is computed twice.
            nint next = rows > PackedLayout.PanelRows ? weights.PanelBytes : 0;
            byte* panel = weights.PanelOf(row);
            if (tiled != 0)
            {
                new Span<float>(sums, (tiled + TileInputs - 1) / TileInputs * TileInputs * TileRows).Clear();
                AddRows<TTiles>(weights, panel, next, x, tiled, scratch, sums);
            }

            for (int input = tiled; input < inputs; input++)
            {
                TTiles.Tile1(panel, groups, x + ((nint)input * stride), sums + (input * TileRows));
            }

            for (int input = tiled; input < inputs && next != 0; input++)
            {
                TTiles.Tile1(panel + next, groups, x + ((nint)input * stride), sums + (input * TileRows) + PackedLayout.PanelRows);
            }

            for (int input = 0; input < inputs; input++)
            {
                new ReadOnlySpan<float>(sums + (input * TileRows), rows).CopyTo(new Span<float>(y + ((nint)input * weights.Rows) + row, rows));
            }
        }
    }

    /// <summary>Two panels times all inputs.</summary>
    private static void AddRows<TTiles>(PackedWeights weights, byte* panel, nint next, byte* x, int inputs, byte* scratch, float* sums)
        where TTiles : struct, IBlockedTiles
    {
        int stride = Int8Rows.RowBytes(weights.Columns);
        int groups = weights.Columns / PackedLayout.GroupColumns;
        PackedLayout layout = weights.Layout;
        byte* behind = panel + (2 * weights.PanelBytes);
        BlockedTile tile;
        tile.UnpackedA = scratch;
        tile.UnpackedB = next == 0 ? scratch : scratch + ChunkBytes;
        for (int group = 0; group < groups; group += ChunkGroups)
        {
            int count = Math.Min(ChunkGroups, groups - group);
            int bytes = count / layout.GroupsPerBlock * layout.BlockBytes;
            bool isLast = group + count == groups;
            tile.Groups = count;
            tile.PanelA = panel;
            tile.PanelB = panel + next;
            tile.AheadA = isLast ? behind : panel + bytes;
            tile.AheadB = tile.AheadA + weights.PanelBytes;
            if (TTiles.NeedsUnpacking)
            {
                TTiles.Unpack(panel, count, scratch);
                if (next != 0)
                {
                    TTiles.Unpack(panel + next, count, scratch + ChunkBytes);
                }
            }

            for (int input = 0; input < inputs; input += TileInputs)
            {
                // Behind the last input it is taken again; nobody reads those sums.
                int last = inputs - 1 - input;
                tile.X0 = x + ((nint)input * stride);
                tile.X1 = tile.X0 + (Math.Min(1, last) * stride);
                tile.X2 = tile.X0 + (Math.Min(2, last) * stride);
                tile.X3 = tile.X0 + (Math.Min(3, last) * stride);
                tile.Sums = sums + (input * TileRows);
                TTiles.Tile(tile);
                tile.AheadA = tile.PanelA;
                tile.AheadB = tile.PanelB;
            }

            panel += bytes;
            x += count * Int8Rows.BlockBytes;
        }
    }
}
