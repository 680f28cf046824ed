using NativeSplit.Engine.Execution;
using NativeSplit.Kernels;
using NativeSplit.Kernels.Memory;
using NativeSplit.Model;

namespace NativeSplit.Engine.Caching;

/// <summary>Keys and values of a layer range for many sequences, in pages of <see cref="PagePositions"/> positions.</summary>
/// <remarks>
/// One region per layer: <c>[pages, 2 (keys, values), kvHeads, head of a page]</c>, a head laid out as <see cref="KeyValuePage"/> says. So
/// the keys of one head in one page are one run, as attention reads them, and a page of a layer is one run, as a migration moves it. All
/// memory is allocated at the start, so that a reservation once granted can't fail; the system backs it only as it is written. Not
/// thread-safe.
/// </remarks>
public sealed class PagedKvCache : IDisposable
{
    /// <summary>Positions of a page. Attention is cut at these borders, so every stage must use the same.</summary>
    public const int PagePositions = KeyValuePage.Positions;

    private readonly NativeMemoryRegion[] _layers;
    private readonly KvPageTable _table;
    private readonly int _headBytes;
    private readonly int _pageBytes;
    private readonly int _keyValueHeads;
    private long _batch;

    /// <summary>Allocates the cache of a layer range.</summary>
    /// <param name="shape">Shape of the whole model; its context bounds one sequence.</param>
    /// <param name="layers">Layers in the cache; 0 for the book-keeping alone, where the memory lies on a device.</param>
    /// <param name="capacityTokens">Positions over all sequences; rounded up to whole pages.</param>
    /// <param name="type">How elements are kept.</param>
    /// <exception cref="ArgumentOutOfRangeException">The capacity isn't positive, or one layer would hold more than 2³¹ − 1 elements, or heads are too large for the type.</exception>
    /// <exception cref="KernelException">The system hasn't that much memory.</exception>
    public PagedKvCache(ModelShape shape, int layers, int capacityTokens, KeyValueType type = KeyValueType.F32)
    {
        ArgumentNullException.ThrowIfNull(shape);
        ArgumentOutOfRangeException.ThrowIfNegative(layers);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(capacityTokens);
        Type = type;
        _keyValueHeads = shape.KeyValueHeadCount;
        _headBytes = KeyValuePage.HeadBytes(type, shape.HeadSize);
        _pageBytes = checked(2 * _keyValueHeads * _headBytes);
        int pages = ((capacityTokens - 1) / PagePositions) + 1;
        ArgumentOutOfRangeException.ThrowIfGreaterThan(2L * shape.KeyValueSize * PagePositions * pages, int.MaxValue, nameof(capacityTokens));
        _table = new KvPageTable(pages, shape.ContextLength);
        _layers = new NativeMemoryRegion[layers];
        try
        {
            for (int layer = 0; layer < layers; layer++)
            {
                _layers[layer] = NativeMemoryRegion.Allocate((long)pages * _pageBytes);
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>How elements are kept.</summary>
    public KeyValueType Type { get; }

    /// <summary>Bytes that all layers take when every page is written.</summary>
    public long ByteLength => _layers.Sum(layer => layer.Length);

    /// <summary>Bytes of a page of one layer.</summary>
    public int PageBytes => _pageBytes;

    /// <summary>Room and use; reserved positions are counted in whole pages.</summary>
    public KvCacheUse Use => _table.Use;

    /// <summary>Makes room for a sequence's first positions; grows an earlier reservation.</summary>
    /// <returns>False when there isn't that much room, or when the context is shorter; then nothing changes.</returns>
    public bool TryReserve(SequenceId sequence, int tokens) => _table.TryReserve(sequence, tokens);

    /// <summary>Gives a sequence's pages back; unknown sequences are ignored.</summary>
    public void Free(SequenceId sequence) => _table.Free(sequence);

    /// <summary>Positions cached of a sequence; null when it has no reservation.</summary>
    public int? LengthOf(SequenceId sequence) => _table.TryFind(sequence, out var entry) ? entry.Length : null;

    /// <summary>Numbers of the pages a sequence holds, in order of position; empty when it has no reservation. Valid until it grows or is freed.</summary>
    public ReadOnlySpan<int> PagesOf(SequenceId sequence) => _table.TryFind(sequence, out var entry) ? entry.Pages : [];

    /// <summary>Lends a whole page of a layer: the keys of every head, then the values of every head, as <see cref="KeyValuePage"/> lays them out.</summary>
    /// <param name="layer">Layer, from the start of the range.</param>
    /// <param name="page">Page number.</param>
    public Span<byte> BorrowPage(int layer, int page) => _layers[layer].BorrowWritable((long)page * _pageBytes, _pageBytes);

    /// <summary>Says how many positions of a sequence are cached, after its pages were written from outside.</summary>
    /// <exception cref="ArgumentException">No reservation, or a shorter one.</exception>
    public void SetLength(SequenceId sequence, int length)
    {
        if (!_table.TryFind(sequence, out var entry) || length < 0 || length > entry.ReservedTokens)
        {
            throw new ArgumentException($"Sequence {sequence} has no reservation for {length} positions.", nameof(length));
        }

        entry.Length = length;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var layer in _layers)
        {
            layer?.Dispose();
        }
    }

    /// <summary>Lends the keys of a head in a page.</summary>
    internal Span<byte> Keys(int layer, int page, int head) => _layers[layer].BorrowWritable(((long)page * _pageBytes) + ((long)head * _headBytes), _headBytes);

    /// <summary>Lends the values of a head in a page.</summary>
    internal Span<byte> Values(int layer, int page, int head) => Keys(layer, page, _keyValueHeads + head);

    /// <summary>Finds a sequence that <see cref="Check"/> let through.</summary>
    internal KvSequence Find(SequenceId sequence) =>
        _table.TryFind(sequence, out var entry) ? entry : throw NotReserved(sequence);

    /// <summary>Checks that a batch continues its sequences inside their reservations. Changes nothing that a caller can see.</summary>
    /// <exception cref="ArgumentException">An entry has no rows, or a sequence is there twice.</exception>
    /// <exception cref="EngineException">A sequence has no reservation for its rows, or its position isn't the next one.</exception>
    public void Check(ReadOnlySpan<SequenceRows> batch)
    {
        _batch++;
        foreach (var rows in batch)
        {
            if (rows.Count <= 0)
            {
                throw new ArgumentException($"Sequence {rows.Sequence} has {rows.Count} rows in the batch; it must have at least 1.", nameof(batch));
            }

            var entry = Find(rows.Sequence);
            if (entry.LastBatch == _batch)
            {
                throw new ArgumentException($"Sequence {rows.Sequence} is in the batch twice.", nameof(batch));
            }

            entry.LastBatch = _batch;
            if (rows.Position != entry.Length)
            {
                throw new EngineException(
                    EngineFault.OutOfOrder,
                    $"Sequence {rows.Sequence} comes with position {rows.Position}; {entry.Length} positions are cached. Free it and run it again from 0.");
            }

            if (rows.Count > entry.ReservedTokens - entry.Length)
            {
                throw new EngineException(
                    EngineFault.OutOfOrder,
                    $"Sequence {rows.Sequence} has {rows.Count} rows from position {rows.Position}; {entry.ReservedTokens} positions are reserved. Reserve more first.");
            }
        }
    }

    /// <summary>Notes that the rows of a checked batch are cached in every layer.</summary>
    public void Advance(ReadOnlySpan<SequenceRows> batch)
    {
        foreach (var rows in batch)
        {
            Find(rows.Sequence).Length += rows.Count;
        }
    }

    private static EngineException NotReserved(SequenceId sequence) =>
        new(EngineFault.OutOfOrder, $"Sequence {sequence} has no reservation. Reserve its positions first.");
}
