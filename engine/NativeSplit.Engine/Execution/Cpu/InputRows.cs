using NativeSplit.Kernels;
using NativeSplit.Kernels.Memory;

namespace NativeSplit.Engine.Execution.Cpu;

/// <summary>Rows that matrices are applied to: in float32, and quantised when a packed matrix is among these. Owns its memory.</summary>
internal sealed class InputRows : IDisposable
{
    private readonly NativeBuffer<float> _values;
    private readonly NativeBuffer<byte>? _quantized;
    private readonly int _quantizedRowBytes;

    /// <summary>Allocates room.</summary>
    /// <param name="maxRows">Rows at most.</param>
    /// <param name="columns">Width of a row.</param>
    /// <param name="quantized">Whether rows are wanted quantised too; left out when the columns don't fill blocks, since then no matrix is packed.</param>
    public InputRows(int maxRows, int columns, bool quantized)
    {
        Columns = columns;
        _values = new NativeBuffer<float>(checked(maxRows * columns));
        if (quantized && columns % Int8Rows.BlockLength == 0)
        {
            _quantizedRowBytes = Int8Rows.RowBytes(columns);
            _quantized = new NativeBuffer<byte>(checked(maxRows * _quantizedRowBytes));
        }
    }

    /// <summary>Width of a row.</summary>
    public int Columns { get; }

    /// <summary>True when <see cref="Quantize"/> has something to do.</summary>
    public bool IsQuantized => _quantized is not null;

    /// <summary>The buffer of float32 rows.</summary>
    public NativeBuffer<float> Values => _values;

    /// <summary>The first rows. Shape [rows, columns].</summary>
    public Span<float> Rows(int rows) => _values.Span[..(rows * Columns)];

    /// <summary>One row. Shape [columns].</summary>
    public Span<float> Row(int row) => _values.Span.Slice(row * Columns, Columns);

    /// <summary>Some rows. Shape [count, columns].</summary>
    public Span<float> Rows(int first, int count) => _values.Span.Slice(first * Columns, count * Columns);

    /// <summary>Some rows as <see cref="Int8Rows"/>; call only for a packed matrix.</summary>
    public ReadOnlySpan<byte> QuantizedRows(int first, int count) => _quantized!.Span.Slice(first * _quantizedRowBytes, count * _quantizedRowBytes);

    /// <summary>Quantises part of a row, if that is wanted.</summary>
    /// <param name="kernels">Operations.</param>
    /// <param name="row">The row.</param>
    /// <param name="start">First column; a multiple of a block.</param>
    /// <param name="count">Columns; a multiple of a block.</param>
    public void Quantize(KernelSet kernels, int row, int start, int count)
    {
        if (_quantized is not null)
        {
            var target = _quantized.Span.Slice((row * _quantizedRowBytes) + Int8Rows.RowBytes(start), Int8Rows.RowBytes(count));
            kernels.Quantize(Row(row).Slice(start, count), target);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _values.Dispose();
        _quantized?.Dispose();
    }
}
