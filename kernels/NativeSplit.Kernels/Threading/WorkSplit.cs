namespace NativeSplit.Kernels.Threading;

/// <summary>A half-open range of work: [Start, End).</summary>
/// <param name="Start">First item.</param>
/// <param name="End">One past the last item.</param>
public readonly record struct WorkRange(int Start, int End)
{
    /// <summary>Number of items.</summary>
    public int Count => End - Start;

    /// <summary>True when there is nothing to do.</summary>
    public bool IsEmpty => End == Start;
}

/// <summary>Cuts work into parts for a <see cref="ThreadTeam"/>.</summary>
public static class WorkSplit
{
    /// <summary>One part of [0, count), cut at multiples of a granularity and as even as that allows.</summary>
    /// <param name="count">Number of items.</param>
    /// <param name="granularity">Every part but the last that has work holds a multiple of this.</param>
    /// <param name="part">Index of the part.</param>
    /// <param name="parts">Number of parts.</param>
    /// <returns>The part; empty for some when there are more parts than units of work. All parts together cover [0, count) once.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A count below 0, a granularity or number of parts below 1, or a part outside [0, parts).</exception>
    public static WorkRange Of(int count, int granularity, int part, int parts)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(granularity);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(parts);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)part, (uint)parts, nameof(part));
        long units = ((long)count + granularity - 1) / granularity;
        return new WorkRange(Border(part), Border(part + 1));

        int Border(int index) => (int)Math.Min(count, units * index / parts * granularity);
    }
}
