namespace NativeSplit.Placement.Solving;

/// <summary>Labels side by side, with their times per quantity in µs. Grows, and is used again.</summary>
internal sealed class LabelPool(int quantities)
{
    private Label[] _labels = new Label[64];
    private long[] _times = new long[64 * quantities];
    private int[] _order = [];
    private long[] _keys = [];

    public int Count { get; private set; }

    public ref Label this[int i] => ref _labels[i];

    /// <summary>Times of a label so far.</summary>
    public Span<long> Times(int i) => _times.AsSpan(i * quantities, quantities);

    public void Clear() => Count = 0;

    /// <summary>Adds a label; its times are to be filled in by the caller.</summary>
    public int Add(in Label label)
    {
        if (Count == _labels.Length)
        {
            Array.Resize(ref _labels, 2 * Count);
            Array.Resize(ref _times, 2 * Count * quantities);
        }

        _labels[Count] = label;
        return Count++;
    }

    /// <summary>Places of the labels by bound.</summary>
    public ReadOnlySpan<int> ByBound()
    {
        if (_order.Length < Count)
        {
            _order = new int[_labels.Length];
            _keys = new long[_labels.Length];
        }

        for (int i = 0; i < Count; i++)
        {
            (_order[i], _keys[i]) = (i, _labels[i].Bound);
        }

        Array.Sort(_keys, _order, 0, Count);
        return _order.AsSpan(0, Count);
    }

    /// <summary>Drops all but the best by bound, and gives the bound of the worst that is left; for searches that prove nothing.</summary>
    public long Shrink(int most)
    {
        ReadOnlySpan<int> order = ByBound()[..most];
        long worst = _labels[order[^1]].Bound;
        int left = 0;
        for (int i = 0; i < Count && left < most; i++)
        {
            if (_labels[i].Bound <= worst)
            {
                _labels[left++] = _labels[i];
            }
        }

        Count = left;
        return worst;
    }

    /// <summary>Least bound of all; <see cref="long.MaxValue"/> for none.</summary>
    public long LeastBound()
    {
        long least = long.MaxValue;
        for (int i = 0; i < Count; i++)
        {
            least = Math.Min(least, _labels[i].Bound);
        }

        return least;
    }
}
