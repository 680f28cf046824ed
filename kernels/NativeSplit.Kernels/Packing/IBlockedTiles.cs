namespace NativeSplit.Kernels.Packing;

/// <summary>One tile of a <see cref="BlockedProduct"/>: 16 rows by 4 inputs by some groups of columns.</summary>
internal unsafe struct BlockedTile
{
    /// <summary>The packed block that the first 8 rows start in.</summary>
    public byte* PanelA;

    /// <summary>The packed block that the second 8 rows start in.</summary>
    public byte* PanelB;

    /// <summary>Unpacked weights of the first 8 rows, if they need it: per group of 32 columns 8 vectors, one quad of columns each.</summary>
    public byte* UnpackedA;

    /// <summary>Unpacked weights of the second 8 rows, if they need it.</summary>
    public byte* UnpackedB;

    /// <summary>Packed weights that the next tiles need, fetched meanwhile: as many bytes as this tile's.</summary>
    public byte* AheadA;

    /// <summary>As <see cref="AheadA"/>, for the second 8 rows.</summary>
    public byte* AheadB;

    /// <summary>Groups of 32 columns; whole blocks.</summary>
    public int Groups;

    /// <summary>First of 4 quantised inputs, from the tile's first column on.</summary>
    public byte* X0;

    /// <summary>Second input.</summary>
    public byte* X1;

    /// <summary>Third input.</summary>
    public byte* X2;

    /// <summary>Fourth input.</summary>
    public byte* X3;

    /// <summary>What the products are added to. Shape [4, 16].</summary>
    public float* Sums;
}

/// <summary>Products of one packed type, for a <see cref="BlockedProduct"/>. Implementations are empty structs.</summary>
internal unsafe interface IBlockedTiles
{
    /// <summary>False when tiles take the packed weights: they lie as unpacked ones do, or unpacking costs less than scratch.</summary>
    static abstract bool NeedsUnpacking { get; }

    /// <summary>8 rows times one input.</summary>
    /// <param name="panel">The panel.</param>
    /// <param name="groups">Groups of 32 columns.</param>
    /// <param name="x">The quantised input.</param>
    /// <param name="sums">Shape [8].</param>
    static abstract void Tile1(byte* panel, int groups, byte* x, float* sums);

    /// <summary>Unpacks groups of a panel; only called when <see cref="NeedsUnpacking"/>.</summary>
    /// <param name="panel">A block of the panel.</param>
    /// <param name="groups">Groups; whole blocks.</param>
    /// <param name="target">8 vectors of 32 bytes per group.</param>
    static abstract void Unpack(byte* panel, int groups, byte* target);

    /// <summary>Adds the products of a tile to its sums.</summary>
    static abstract void Tile(in BlockedTile tile);
}
