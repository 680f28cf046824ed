namespace NativeSplit.Kernels.Simd;

/// <summary>Constants of the hyperbolic tangent in the SIMD sets; one place, so that the sets agree bit for bit.</summary>
internal static class TanhConstants
{
    /// <summary>Below, the series is taken: the quotient of exponentials would lose digits.</summary>
    public const float SeriesBelow = 0.25f;

    public const float C3 = -1f / 3;
    public const float C5 = 2f / 15;
    public const float C7 = -17f / 315;
    public const float C9 = 62f / 2835;
}
