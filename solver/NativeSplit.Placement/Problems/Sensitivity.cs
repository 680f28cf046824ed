namespace NativeSplit.Placement.Problems;

/// <summary>How much of what leaks leaks at each depth.</summary>
public static class Sensitivity
{
    /// <summary>Sum of all shares.</summary>
    public const int Whole = 100_000;

    /// <summary>Shares that fall with depth: <c>s[u] ∝ exp(-u / max(3, K/8))</c>, rounded so that they sum to <see cref="Whole"/>.</summary>
    /// <param name="layerCount">K, from 1.</param>
    /// <remarks>Cut points of the running sum are rounded, not the shares, so the sum is exact and no share is off by more than one.</remarks>
    public static IReadOnlyList<int> Decaying(int layerCount)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(layerCount);
        double depth = Math.Max(3.0, layerCount / 8.0);
        double total = 1 - Math.Exp(-layerCount / depth);
        int[] shares = new int[layerCount];
        int before = 0;
        for (int u = 0; u < layerCount; u++)
        {
            int upTo = u == layerCount - 1 ? Whole : (int)Math.Round(Whole * (1 - Math.Exp(-(u + 1) / depth)) / total);
            shares[u] = upTo - before;
            before = upTo;
        }

        return shares;
    }
}
