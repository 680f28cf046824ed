namespace NativeSplit.Kernels.Simd;

/// <summary>Constants of the exponential in the SIMD sets; one place, so that the sets agree bit for bit.</summary>
internal static class ExpConstants
{
    /// <summary>From here down the result rounds to zero.</summary>
    public const float Lowest = -104f;

    /// <summary>From here up the result is infinite.</summary>
    public const float Highest = 89f;

    public const float Log2E = 1.44269504f;

    /// <summary>ln 2 to 9 bits less than a float holds, so that n times it is exact.</summary>
    public const float Ln2High = 0.693145752f;

    /// <summary>ln 2 − <see cref="Ln2High"/>.</summary>
    public const float Ln2Low = 1.42860677e-6f;

    public const float C2 = 1f / 2;
    public const float C3 = 1f / 6;
    public const float C4 = 1f / 24;
    public const float C5 = 1f / 120;
    public const float C6 = 1f / 720;
    public const float C7 = 1f / 5040;
}
