using System.Diagnostics;
using NativeSplit.Engine.Execution;

namespace NativeSplit.Cluster.Stages;

/// <summary>Sums of one stage since it was made. Prompt batches are those in which a sequence has more than one row.</summary>
/// <param name="Batches">Batches run.</param>
/// <param name="Rows">Rows run.</param>
/// <param name="ComputeMicroseconds">Time in the executor, in µs.</param>
/// <param name="DecodeBatches">Of these, batches with one row of each sequence.</param>
/// <param name="DecodeRows">Their rows.</param>
/// <param name="DecodeMicroseconds">Their time in the executor, in µs.</param>
public readonly record struct StageSums(long Batches, long Rows, long ComputeMicroseconds, long DecodeBatches, long DecodeRows, long DecodeMicroseconds)
{
    /// <summary>What happened between two readings of one stage.</summary>
    public static StageSums operator -(StageSums later, StageSums earlier) => new(
        later.Batches - earlier.Batches,
        later.Rows - earlier.Rows,
        later.ComputeMicroseconds - earlier.ComputeMicroseconds,
        later.DecodeBatches - earlier.DecodeBatches,
        later.DecodeRows - earlier.DecodeRows,
        later.DecodeMicroseconds - earlier.DecodeMicroseconds);
}

/// <summary>Adds up what a stage does. One thread adds, any reads; adding allocates nothing.</summary>
public sealed class StageMeter
{
    private readonly Lock _gate = new();
    private long _batches;
    private long _rows;
    private long _ticks;
    private long _decodeBatches;
    private long _decodeRows;
    private long _decodeTicks;

    /// <summary>Notes a batch.</summary>
    /// <param name="batch">Its sequences.</param>
    /// <param name="ticks">Time in the executor, in <see cref="Stopwatch"/> ticks.</param>
    public void Add(ReadOnlySpan<SequenceRows> batch, long ticks)
    {
        int rows = 0;
        foreach (SequenceRows entry in batch)
        {
            rows += entry.Count;
        }

        lock (_gate)
        {
            _batches++;
            _rows += rows;
            _ticks += ticks;
            if (rows == batch.Length)
            {
                _decodeBatches++;
                _decodeRows += rows;
                _decodeTicks += ticks;
            }
        }
    }

    /// <summary>The sums.</summary>
    public StageSums Read()
    {
        lock (_gate)
        {
            return new StageSums(_batches, _rows, Microseconds(_ticks), _decodeBatches, _decodeRows, Microseconds(_decodeTicks));
        }
    }

    private static long Microseconds(long ticks) => (long)Stopwatch.GetElapsedTime(0, ticks).TotalMicroseconds;
}
