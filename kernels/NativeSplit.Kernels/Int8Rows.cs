namespace NativeSplit.Kernels;

/// <summary>Layout of rows of activations quantised to signed bytes in blocks of 32 columns.</summary>
/// <remarks>
/// A block takes 48 bytes: 32 signed bytes <c>q</c>; the scale <c>d = max|x| / 127</c>, float32; <c>−d·Σq</c>, float32, which
/// weights with a minimum are multiplied by; <c>−16·Σq</c> over columns 0–15 and over columns 16–31, two 16-bit integers, and
/// <c>−8·Σq</c> over columns with c mod 4 in {0, 1} and over the rest, two 16-bit integers, both for weights with a zero
/// point. Blocks follow one another, rows too.
/// </remarks>
public static class Int8Rows
{
    /// <summary>Columns of a block.</summary>
    public const int BlockLength = 32;

    /// <summary>Bytes of a block.</summary>
    public const int BlockBytes = 48;

    internal const int ScaleOffset = 32;
    internal const int OffsetOffset = 36;
    internal const int SumsOffset = 40;
    internal const int PairSumsOffset = 44;

    /// <summary>A block whose greatest magnitude is below counts as zero: the inverse of its scale would overflow.</summary>
    internal const float Smallest = 7.5231638452626401e-37f;

    /// <summary>Bytes of a row.</summary>
    /// <param name="columns">A multiple of <see cref="BlockLength"/>.</param>
    /// <exception cref="ArgumentException"><paramref name="columns"/> isn't one.</exception>
    public static int RowBytes(int columns)
    {
        if (columns < 0 || columns % BlockLength != 0)
        {
            throw new ArgumentException($"{columns} columns don't fill blocks of {BlockLength}.", nameof(columns));
        }

        return checked(columns / BlockLength * BlockBytes);
    }
}
