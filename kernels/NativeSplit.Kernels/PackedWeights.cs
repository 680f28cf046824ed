using NativeSplit.Kernels.Formats;
using NativeSplit.Kernels.Memory;
using NativeSplit.Kernels.Packing;
using NativeSplit.Kernels.Threading;

namespace NativeSplit.Kernels;

/// <summary>A matrix of weights laid out anew for integer products: 8 rows interleaved. Owns its memory.</summary>
/// <remarks>
/// Shape [rows, columns], as the <see cref="WeightMatrix"/> it was made from, whose stored integers and scales it keeps
/// without loss. Takes as many bytes as the stored matrix; Q4_K and Q5_K up to 3 % more, since their scales become whole
/// bytes; rows count as a multiple of 8.
/// </remarks>
public sealed unsafe class PackedWeights : IDisposable
{
    /// <summary>Rows that are interleaved. A part of a product starts at a multiple of it.</summary>
    public const int RowGranularity = PackedLayout.PanelRows;

    private readonly NativeMemoryRegion _region;

    private PackedWeights(NativeMemoryRegion region, PackedLayout layout, int rows, int columns, bool hasFiniteScales)
    {
        _region = region;
        Layout = layout;
        Rows = rows;
        Columns = columns;
        HasFiniteScales = hasFiniteScales;
        PanelBytes = (nint)layout.PanelBytes(columns);
    }

    /// <summary>Type of the weights.</summary>
    public WeightType Type => Layout.Type;

    /// <summary>Number of rows (outputs).</summary>
    public int Rows { get; }

    /// <summary>Number of columns (inputs).</summary>
    public int Columns { get; }

    /// <summary>Bytes that it holds.</summary>
    public long ByteLength => _region.Length;

    /// <summary>True when no binary16 scale is infinite or NaN, as in every sane model: fast kernels rest on it.</summary>
    internal bool HasFiniteScales { get; }

    internal PackedLayout Layout { get; }

    /// <summary>Bytes of 8 rows.</summary>
    internal nint PanelBytes { get; }

    /// <summary>True for the types that can be packed: Q4_0, Q8_0, Q4_K, Q5_K, Q6_K, IQ4_NL.</summary>
    public static bool Supports(WeightType type) => PackedLayout.TryGet(type, out _);

    /// <summary>Bytes that a packed matrix takes.</summary>
    /// <exception cref="ArgumentException">The type can't be packed, or the columns don't fit it.</exception>
    public static long BytesOf(WeightType type, int rows, int columns)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(rows);
        _ = BlockFormat.Of(type).RowBytes(columns);
        return LayoutOf(type).PanelBytes(columns) * (((long)rows + RowGranularity - 1) / RowGranularity);
    }

    /// <summary>Packs a matrix, its rows shared out over a team. Reads every byte of the source once.</summary>
    /// <param name="source">The stored matrix; may be released afterwards.</param>
    /// <param name="team">Threads.</param>
    /// <returns>The packed matrix; the caller owns it.</returns>
    /// <exception cref="ArgumentException">The type can't be packed.</exception>
    /// <exception cref="ObjectDisposedException">The memory of the source was released.</exception>
    /// <exception cref="KernelException"><see cref="KernelFault.OutOfMemory"/>: the system refused.</exception>
    public static PackedWeights Pack(WeightMatrix source, ThreadTeam team)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(team);
        PackedLayout layout = LayoutOf(source.Type);
        source.BeginRead();
        try
        {
            var region = NativeMemoryRegion.Allocate(BytesOf(source.Type, source.Rows, source.Columns));
            region.PreferHugePages();
            try
            {
                var job = new PackJob(source, layout, (byte*)region.DangerousGetHandle());
                team.Run(job);
                return new PackedWeights(region, layout, source.Rows, source.Columns, job.HasFiniteScales);
            }
            catch
            {
                region.Dispose();
                throw;
            }
        }
        finally
        {
            source.EndRead();
        }
    }

    /// <summary>Releases the memory; a second call does nothing. A product under way ends first.</summary>
    public void Dispose() => _region.Dispose();

    /// <summary>Keeps the memory in place until <see cref="EndRead"/>.</summary>
    /// <exception cref="ObjectDisposedException">It was disposed.</exception>
    internal void BeginRead()
    {
        bool added = false;
        _region.DangerousAddRef(ref added);
    }

    /// <summary>Ends what <see cref="BeginRead"/> began.</summary>
    internal void EndRead() => _region.DangerousRelease();

    /// <summary>The panel that starts at a row; valid between <see cref="BeginRead"/> and <see cref="EndRead"/>.</summary>
    internal byte* PanelOf(int row) => (byte*)_region.DangerousGetHandle() + (row / RowGranularity * PanelBytes);

    private static PackedLayout LayoutOf(WeightType type) => PackedLayout.TryGet(type, out PackedLayout layout)
        ? layout
        : throw new ArgumentException($"Weights of type {type} can't be packed; only Q4_0, Q8_0, Q4_K, Q5_K, Q6_K and IQ4_NL can.", nameof(type));
}
