using System.Diagnostics;
using System.Numerics;
using System.Runtime.InteropServices;
using NativeSplit.Kernels.Memory;
using NativeSplit.Kernels.Threading;

namespace NativeSplit.Host.Bench;

/// <summary>How fast so many threads read memory that no cache holds: the ceiling of decode, which reads every weight once per step.</summary>
internal sealed class ReadBandwidth : ITeamJob
{
    private const int BufferBytes = 256 << 20;
    private const int Passes = 6;
    private const int ElementsPerLine = 64 / sizeof(ulong);

    private readonly NativeBuffer<ulong> _buffer;
    private readonly ulong[] _sums;   // one per thread, a cache line apart

    private ReadBandwidth(NativeBuffer<ulong> buffer, int threads)
    {
        _buffer = buffer;
        _sums = new ulong[threads * ElementsPerLine];
    }

    /// <summary>Bytes per second of the best of some passes over 256 MiB; each thread sums its share.</summary>
    /// <param name="threads">Threads that read at the same time.</param>
    public static double Measure(int threads)
    {
        using var buffer = new NativeBuffer<ulong>(BufferBytes / sizeof(ulong));
        buffer.Region.PreferHugePages();   // as packed weights do
        buffer.Span.Fill(1);   // untouched pages would all be the one page of zeros
        using ThreadTeam team = ThreadTeam.Create(threads);
        var job = new ReadBandwidth(buffer, threads);
        TimeSpan best = TimeSpan.MaxValue;
        for (int pass = 0; pass < Passes; pass++)
        {
            long start = Stopwatch.GetTimestamp();
            team.Run(job);
            TimeSpan elapsed = Stopwatch.GetElapsedTime(start);
            best = elapsed < best ? elapsed : best;
            if (job.Total() != (ulong)buffer.Length)
            {
                throw new InvalidOperationException("The read loop skipped part of its buffer; its time means nothing.");
            }
        }

        return BufferBytes / best.TotalSeconds;
    }

    public void Execute(int part, int parts)
    {
        WorkRange share = WorkSplit.Of(_buffer.Length, ElementsPerLine, part, parts);
        _sums[part * ElementsPerLine] = Sum(_buffer.Span.Slice(share.Start, share.Count));
    }

    // Four sums, so that no load waits for the addition before it.
    private static ulong Sum(ReadOnlySpan<ulong> values)
    {
        ReadOnlySpan<Vector<ulong>> vectors = MemoryMarshal.Cast<ulong, Vector<ulong>>(values);
        Vector<ulong> a = default, b = default, c = default, d = default;
        int i = 0;
        for (; i <= vectors.Length - 4; i += 4)
        {
            a += vectors[i];
            b += vectors[i + 1];
            c += vectors[i + 2];
            d += vectors[i + 3];
        }

        for (; i < vectors.Length; i++)
        {
            a += vectors[i];
        }

        ulong sum = Vector.Sum(a + b + c + d);
        foreach (ulong value in values[(vectors.Length * Vector<ulong>.Count)..])
        {
            sum += value;
        }

        return sum;
    }

    private ulong Total()
    {
        ulong total = 0;
        for (int i = 0; i < _sums.Length; i += ElementsPerLine)
        {
            total += _sums[i];
        }

        return total;
    }
}
