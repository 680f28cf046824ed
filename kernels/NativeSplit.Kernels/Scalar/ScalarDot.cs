namespace NativeSplit.Kernels.Scalar;

/// <summary>The inner product whose order of summation every set keeps.</summary>
internal static class ScalarDot
{
    /// <summary>Number of partial sums: four vectors of 8 floats, or two of 16.</summary>
    public const int PartialSums = 32;

    /// <summary>
    /// <c>Σ w[c]·x[c]</c>: element <c>c</c> is added to partial sum <c>c mod 32</c> by a fused multiply-add, in ascending
    /// order; then the upper half of the partial sums is added to the lower, five times.
    /// </summary>
    public static float Dot(ReadOnlySpan<float> w, ReadOnlySpan<float> x)
    {
        Span<float> sums = stackalloc float[PartialSums];
        sums.Clear();
        for (int c = 0; c < w.Length; c++)
        {
            sums[c % PartialSums] = MathF.FusedMultiplyAdd(w[c], x[c], sums[c % PartialSums]);
        }

        return Fold(sums);
    }

    /// <summary><c>Σ x[c]</c>, in the order of <see cref="Dot"/>.</summary>
    public static float Sum(ReadOnlySpan<float> x)
    {
        Span<float> sums = stackalloc float[PartialSums];
        sums.Clear();
        for (int c = 0; c < x.Length; c++)
        {
            sums[c % PartialSums] += x[c];
        }

        return Fold(sums);
    }

    /// <summary>Adds the upper half to the lower until one is left. The length is a power of two.</summary>
    public static float Fold(Span<float> sums)
    {
        for (int half = sums.Length / 2; half > 0; half /= 2)
        {
            for (int i = 0; i < half; i++)
            {
                sums[i] += sums[i + half];
            }
        }

        return sums[0];
    }
}
