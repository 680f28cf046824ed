using NativeSplit.Placement.Certifying;

namespace NativeSplit.Placement.Solving;

/// <summary>Fits multipliers of one problem to another like it, as from one cycle to the next.</summary>
internal static class WarmStart
{
    /// <summary>The multipliers within what the problem allows; null when its nodes or classes are others by number.</summary>
    public static DualEvidence? Fit(SegmentTable table, DualEvidence? like)
    {
        int nodes = table.Model.NodeCount;
        if (like is null || like.Nodes.Count != nodes || like.Times.Count != table.Model.Prices.Count)
        {
            return null;
        }

        double units = (double)table.MemoryUnit / like.MemoryUnitBytes;
        var prices = new NodePrices[nodes];
        for (int n = 0; n < nodes; n++)
        {
            NodePrices by = like.Nodes[n];
            prices[n] = new NodePrices(
                Within(by.Memory * units, table.MemoryLimitUnits(n)), Within(by.Load, table.LoadLimit(n)), Within(by.Segments, table.Model.MaxSegments(n)));
        }

        var times = new long[like.Times.Count];
        for (int q = 0; q < times.Length; q++)
        {
            times[q] = Math.Min(like.Times[q], table.Model.Prices.MissSlope(q, Relaxation.Scale));
        }

        DualEvidence fitted = like with { Nodes = prices, Times = times, MemoryUnitBytes = table.MemoryUnit };
        return ResidualProblem.IsLike(table, fitted) ? fitted : null;
    }

    private static long Within(double price, long limit) => (long)Math.Min(price, DualAscent.MaxPrice / Math.Max(1, limit));
}
