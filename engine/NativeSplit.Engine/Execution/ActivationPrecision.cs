namespace NativeSplit.Engine.Execution;

/// <summary>In what form activations meet quantised weights.</summary>
public enum ActivationPrecision
{
    /// <summary>Float32, from the weights as they are stored: the reference, exact but for float32 rounding.</summary>
    Float32,

    /// <summary>
    /// Signed bytes with a scale per 32 columns, from weights packed at load: several times as fast. Q4_0, Q8_0, Q4_K, Q5_K,
    /// Q6_K and IQ4_NL are packed; other types stay in float32.
    /// </summary>
    Int8,
}
