namespace NativeSplit.Model;

/// <summary>Contiguous layers of a model, half-open: <c>[Start, End)</c>.</summary>
public readonly record struct LayerRange
{
    /// <summary>Makes a range; it may be empty.</summary>
    /// <param name="start">First layer, from 0.</param>
    /// <param name="end">One past the last layer.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="start"/> is negative or after <paramref name="end"/>.</exception>
    public LayerRange(int start, int end)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfLessThan(end, start);
        Start = start;
        End = end;
    }

    /// <summary>First layer.</summary>
    public int Start { get; }

    /// <summary>One past the last layer.</summary>
    public int End { get; }

    /// <summary>Number of layers.</summary>
    public int Count => End - Start;

    /// <summary>True when the range holds no layer.</summary>
    public bool IsEmpty => Count == 0;

    /// <summary>True when the layer is inside.</summary>
    public bool Contains(int layer) => layer >= Start && layer < End;

    /// <inheritdoc/>
    public override string ToString() => $"[{Start}, {End})";
}
