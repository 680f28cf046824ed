namespace NativeSplit.Kernels.Simd;

/// <summary>Constants of the tanh form of GELU, taken as <c>x / (1 + exp(x·(Linear + Cubic·x²)))</c>; one place for all sets.</summary>
internal static class GeluConstants
{
    /// <summary>−2·√(2/π).</summary>
    public const float Linear = -1.59576912f;

    /// <summary>−2·√(2/π)·0.044715.</summary>
    public const float Cubic = -0.0713548163f;
}
