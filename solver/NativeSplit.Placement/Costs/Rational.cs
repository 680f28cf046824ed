namespace NativeSplit.Placement.Costs;

/// <summary>Division of non-negative 128-bit integers with a stated rounding.</summary>
internal static class Rational
{
    /// <summary><c>⌈numerator / denominator⌉</c>.</summary>
    public static long Ceiling(Int128 numerator, Int128 denominator) => checked((long)((numerator + denominator - 1) / denominator));

    /// <summary>Nearest integer; a half goes up.</summary>
    public static long Nearest(Int128 numerator, Int128 denominator) => checked((long)(((2 * numerator) + denominator) / (2 * denominator)));
}
