namespace NativeSplit.Kernels.Packing;

/// <summary>Products of one packed type on one instruction set, a tile at a time. Implementations are empty structs.</summary>
internal unsafe interface IPackedTiles
{
    /// <summary>Rows of a tile: one panel, or two.</summary>
    static abstract int Rows { get; }

    /// <summary>A tile of rows times one input.</summary>
    /// <param name="panel">First panel.</param>
    /// <param name="next">Bytes to the next panel; zero takes the same one twice. Ignored where a tile is one panel.</param>
    /// <param name="groups">Groups of 32 columns.</param>
    /// <param name="x">The quantised input.</param>
    /// <param name="sums">Shape [rows of a tile].</param>
    static abstract void Tile1(byte* panel, nint next, int groups, byte* x, float* sums);

    /// <summary>A tile of rows times four inputs.</summary>
    /// <param name="panel">First panel.</param>
    /// <param name="next">As in <see cref="Tile1"/>.</param>
    /// <param name="groups">Groups of 32 columns.</param>
    /// <param name="x">The first quantised input.</param>
    /// <param name="stride">Bytes from one input to the next.</param>
    /// <param name="sums">Shape [4, rows of a tile].</param>
    static abstract void Tile4(byte* panel, nint next, int groups, byte* x, nint stride, float* sums);
}
