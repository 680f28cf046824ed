using NativeSplit.Kernels.Formats;

namespace NativeSplit.Kernels.Packing;

/// <summary>Where the parts of packed weights lie.</summary>
/// <remarks>
/// <para>A panel holds 8 rows. It is cut into blocks of columns (32, or 256 for the K formats): a header with the binary16
/// scales of the 8 rows, then groups of 32 columns × 8 rows. A quad is 4 neighbouring columns; in every vector of 32
/// bytes, bytes 4r to 4r + 3 belong to row r of the panel. So one vector multiplication takes 4 columns of 8 rows,
/// and the 8 sums end up in 8 lanes.</para>
/// <para>Q8_0: header d; vector k of a group is quad k, signed bytes.</para>
/// <para>All others: vector k of a group (of 4) is quad 2k in the low nibbles, quad 2k + 1 in the high ones. Header d, for
/// Q4_K and Q5_K then dmin. Behind the nibbles: Q5_K one vector, bit t of byte 4r + b is the fifth bit of column 4t + b;
/// Q6_K two vectors, one per half group h, bits 2q and 2q + 1 of byte 4r + b are the upper bits of column 16h + 4q + b.
/// Then, for Q4_K and Q5_K, 8 bytes of scales and 8 of minima; for Q6_K 8 signed scales of either half.</para>
/// </remarks>
/// <param name="Type">Type of the weights.</param>
/// <param name="HeaderBytes">Bytes of scales before the groups of a block.</param>
/// <param name="GroupBytes">Bytes of a group of 32 columns × 8 rows.</param>
/// <param name="GroupsPerBlock">Groups of a block: 1 or 8.</param>
internal readonly record struct PackedLayout(WeightType Type, int HeaderBytes, int GroupBytes, int GroupsPerBlock)
{
    /// <summary>Rows of a panel.</summary>
    public const int PanelRows = 8;

    /// <summary>Columns of a group.</summary>
    public const int GroupColumns = Int8Rows.BlockLength;

    /// <summary>Offset of what follows the nibbles of a group.</summary>
    public const int BehindNibbles = 128;

    /// <summary>Bytes of a block of 8 rows.</summary>
    public int BlockBytes => HeaderBytes + (GroupBytes * GroupsPerBlock);

    /// <summary>Finds the layout of a type.</summary>
    /// <returns>False when the type isn't packed.</returns>
    public static bool TryGet(WeightType type, out PackedLayout layout)
    {
        layout = type switch
        {
            WeightType.Q4_0 or WeightType.IQ4_NL => new(type, 16, 128, 1),
            WeightType.Q8_0 => new(type, 16, 256, 1),
            WeightType.Q4_K => new(type, 32, 144, 8),
            WeightType.Q5_K => new(type, 32, 176, 8),
            WeightType.Q6_K => new(type, 16, 208, 8),
            _ => default,
        };
        return layout.GroupBytes != 0;
    }

    /// <summary>Bytes of a panel.</summary>
    public long PanelBytes(int columns) => (long)(columns / GroupColumns / GroupsPerBlock) * BlockBytes;
}
