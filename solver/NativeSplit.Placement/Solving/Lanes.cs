using System.Numerics;

namespace NativeSplit.Placement.Solving;

/// <summary>Minima over rows of sums, lane by lane.</summary>
internal static class Lanes
{
    public static int Lowest(ReadOnlySpan<long> values)
    {
        int at = 0;
        for (int i = 1; i < values.Length; i++)
        {
            at = values[i] < values[at] ? i : at;
        }

        return at;
    }

    public static long Least(ReadOnlySpan<long> values)
    {
        long least = Relaxation.Infinite;
        foreach (long value in values)
        {
            least = Math.Min(least, value);
        }

        return least;
    }

    // to[i] = min(to[i], from[i] + by), lane by lane.
    public static void LowerTo(ReadOnlySpan<long> from, long by, Span<long> to)
    {
        int i = 0;
        Vector<long> more = new(by);
        for (; i <= to.Length - Vector<long>.Count; i += Vector<long>.Count)
        {
            Vector.Min(new Vector<long>(to[i..]), new Vector<long>(from[i..]) + more).CopyTo(to[i..]);
        }

        for (; i < to.Length; i++)
        {
            to[i] = Math.Min(to[i], from[i] + by);
        }
    }

    public static void Cap(Span<long> values)
    {
        foreach (ref long value in values)
        {
            value = value >= Relaxation.Infinite / 2 ? Relaxation.Infinite : value;
        }
    }

    // min over i of a[i] + b[i]. Two infinite ones still fit in 64 bits.
    public static long LeastSum(ReadOnlySpan<long> a, ReadOnlySpan<long> b)
    {
        long best = Relaxation.Infinite;
        int i = 0;
        if (Vector.IsHardwareAccelerated && a.Length >= Vector<long>.Count)
        {
            Vector<long> least = new(Relaxation.Infinite);
            for (; i <= a.Length - Vector<long>.Count; i += Vector<long>.Count)
            {
                least = Vector.Min(least, new Vector<long>(a[i..]) + new Vector<long>(b[i..]));
            }

            for (int lane = 0; lane < Vector<long>.Count; lane++)
            {
                best = Math.Min(best, least[lane]);
            }
        }

        for (; i < a.Length; i++)
        {
            best = Math.Min(best, a[i] + b[i]);
        }

        return best;
    }
}
