using NativeSplit.Kernels.Formats;
using NativeSplit.Kernels.Memory;

namespace NativeSplit.Kernels;

/// <summary>A matrix of weights in its stored block format, row-major, on borrowed memory.</summary>
/// <remarks>Shape [rows, columns]; <c>y = W·x</c> maps <c>columns</c> inputs to <c>rows</c> outputs. It doesn't own the region.</remarks>
public sealed class WeightMatrix
{
    private readonly MemoryRegion _region;
    private readonly long _offset;

    /// <summary>Describes a matrix inside a region.</summary>
    /// <param name="region">Memory that holds the matrix; lent, must outlive it.</param>
    /// <param name="offset">Byte offset of row 0.</param>
    /// <param name="type">Block format.</param>
    /// <param name="rows">Outputs.</param>
    /// <param name="columns">Inputs; a multiple of the format's block length.</param>
    /// <exception cref="ArgumentException">The shape doesn't fit the format or the region.</exception>
    public WeightMatrix(MemoryRegion region, long offset, WeightType type, int rows, int columns)
    {
        ArgumentNullException.ThrowIfNull(region);
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(rows);
        Format = BlockFormat.Of(type);
        RowBytes = Format.RowBytes(columns);
        if (RowBytes > int.MaxValue || offset > region.Length - (RowBytes * rows))
        {
            throw new ArgumentException($"A {type} matrix [{rows}, {columns}] at byte {offset} doesn't fit a region of {region.Length} bytes.");
        }

        _region = region;
        _offset = offset;
        Rows = rows;
        Columns = columns;
    }

    /// <summary>Block format of every row.</summary>
    public BlockFormat Format { get; }

    /// <summary>Element type.</summary>
    public WeightType Type => Format.Type;

    /// <summary>Number of rows (outputs).</summary>
    public int Rows { get; }

    /// <summary>Number of columns (inputs).</summary>
    public int Columns { get; }

    /// <summary>Bytes of one row.</summary>
    public long RowBytes { get; }

    /// <summary>Bytes of the whole matrix.</summary>
    public long ByteLength => RowBytes * Rows;

    /// <summary>Lends the stored bytes of one row.</summary>
    public ReadOnlySpan<byte> BorrowRow(int row)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)row, (uint)Rows);
        return _region.Borrow(_offset + (row * RowBytes), (int)RowBytes);
    }

    /// <summary>Says that the matrix isn't needed soon: pages of a file leave this process's memory, and are read again if they are touched.</summary>
    /// <exception cref="ObjectDisposedException">The memory was released.</exception>
    public void Discard() => _region.Discard(_offset, ByteLength);

    /// <summary>Keeps the memory in place until <see cref="EndRead"/>, even if its owner disposes it meanwhile.</summary>
    /// <exception cref="ObjectDisposedException">The memory was released.</exception>
    internal void BeginRead()
    {
        bool added = false;
        _region.DangerousAddRef(ref added);
    }

    /// <summary>Ends what <see cref="BeginRead"/> began.</summary>
    internal void EndRead() => _region.DangerousRelease();
}
