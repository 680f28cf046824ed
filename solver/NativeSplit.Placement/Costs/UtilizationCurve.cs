namespace NativeSplit.Placement.Costs;

/// <summary>g(ρ): what a busy node costs. Piecewise linear through <c>ρ²/(1−ρ)</c> at 0, 0.5, 0.7, 0.8 and 0.9, scaled to g(0.8) = 1.</summary>
/// <remarks>The mean queue of an M/M/1 server. Convex with g(0) = 0, on which the lower bounds of the solver rest.</remarks>
public static class UtilizationCurve
{
    /// <summary>Most utilisation that a plan may cause, in 1e-6.</summary>
    public const int MaxLoad = 900_000;

    // g in 1e-5 at each break of ρ (1e-6), and the slope from there in 1e-11 per 1e-6 of ρ, that is Δg · 1e6 / Δρ.
    private static readonly (int Load, long Cost, long Slope)[] Pieces =
    [
        (0, 0, 15_625 * 2),
        (500_000, 15_625, (51_042 - 15_625) * 5),
        (700_000, 51_042, (100_000 - 51_042) * 10),
        (800_000, 100_000, (253_125 - 100_000) * 10),
    ];

    /// <summary>g in 1e-11, exact.</summary>
    /// <param name="load">ρ in 1e-6, from 0; past <see cref="MaxLoad"/> the last piece goes on.</param>
    public static long Exact(long load)
    {
        int piece = Pieces.Length - 1;
        while (piece > 0 && load < Pieces[piece].Load)
        {
            piece--;
        }

        (int start, long cost, long slope) = Pieces[piece];
        return (cost * 1_000_000) + (slope * (load - start));
    }

    /// <summary>β·(g(base + added) − g(base)) in 1e-5, rounded down.</summary>
    /// <param name="weight">β in 1/1000.</param>
    /// <param name="baseLoad">ρ without the plan, in 1e-6.</param>
    /// <param name="added">What the plan adds, in 1e-6.</param>
    /// <remarks>Rounded down because floors of a convex function through zero stay superadditive: two segments on a node never cost less together than apart.</remarks>
    public static long Added(int weight, long baseLoad, long added) =>
        (long)((Int128)weight * (Exact(baseLoad + added) - Exact(baseLoad)) / 1_000_000_000);
}
