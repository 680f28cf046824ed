namespace NativeSplit.Model.Architectures;

/// <summary>Works out the divisors of the rotary frequencies, once, in double.</summary>
internal static class RopeScaling
{
    /// <summary>Linear scaling: every frequency divided by one factor (Chen et al. 2023).</summary>
    /// <returns>Shape [dimensions/2], or empty for a factor of 1.</returns>
    public static float[] Linear(double factor, int dimensions)
    {
        if (factor == 1)
        {
            return [];
        }

        float[] divisors = new float[dimensions / 2];
        Array.Fill(divisors, (float)factor);
        return divisors;
    }

    /// <summary>
    /// The llama-3 rule. With the wavelength <c>λ = 2π/f</c> of a frequency f in positions and L the original context:
    /// λ below L/high keeps f; above L/low divides it by the factor; between, with
    /// <c>s = (L/λ − low)/(high − low)</c>, f becomes <c>(1 − s)·f/factor + s·f</c>.
    /// </summary>
    /// <returns>Shape [dimensions/2].</returns>
    /// <remarks>Source: <c>rope_type</c> "llama3" of Hugging Face Transformers; Llama 3.1 model card.</remarks>
    public static float[] Llama3(double frequencyBase, int dimensions, double factor, double low, double high, double originalContext)
    {
        float[] divisors = new float[dimensions / 2];
        for (int pair = 0; pair < divisors.Length; pair++)
        {
            double frequency = Math.Pow(frequencyBase, -2.0 * pair / dimensions);
            double turns = originalContext * frequency / (2 * Math.PI);
            divisors[pair] = (float)(turns > high ? 1 : turns < low ? factor : Blend((turns - low) / (high - low), factor));
        }

        return divisors;
    }

    /// <summary>Multiplies two sets of divisors; an empty one counts as ones.</summary>
    public static IReadOnlyList<float> Combine(IReadOnlyList<float> first, IReadOnlyList<float> second)
    {
        if (first.Count == 0 || second.Count == 0)
        {
            return first.Count == 0 ? second : first;
        }

        return [.. first.Zip(second, (left, right) => (float)((double)left * right))];
    }

    private static double Blend(double smooth, double factor) => 1 / (((1 - smooth) / factor) + smooth);
}
