namespace NativeSplit.Engine.Execution;

/// <summary>How rows of the residual stream are written outside an executor. The numbers go on the wire and never change.</summary>
public enum RowEncoding
{
    /// <summary>float32, little-endian: bit-exact, the default.</summary>
    F32 = 0,

    /// <summary>The upper half of a float32, rounded to nearest even: half the bytes, 8 bits of precision.</summary>
    BF16 = 1,

    /// <summary>IEEE binary16: half the bytes, 11 bits of precision, magnitudes up to 65,504.</summary>
    F16 = 2,
}
