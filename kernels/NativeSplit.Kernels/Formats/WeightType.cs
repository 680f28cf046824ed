namespace NativeSplit.Kernels.Formats;

/// <summary>Element type of a stored tensor. Names and numbers are those of GGML (<c>enum ggml_type</c>).</summary>
public enum WeightType
{
    /// <summary>IEEE 754 binary32.</summary>
    F32 = 0,

    /// <summary>IEEE 754 binary16.</summary>
    F16 = 1,

    /// <summary>32 weights: one binary16 scale, 16 bytes of nibbles.</summary>
    Q4_0 = 2,

    /// <summary>32 weights: binary16 scale and minimum, 16 bytes of nibbles.</summary>
    Q4_1 = 3,

    /// <summary>32 weights: binary16 scale, 32 high bits, 16 bytes of nibbles.</summary>
    Q5_0 = 6,

    /// <summary>32 weights: binary16 scale and minimum, 32 high bits, 16 bytes of nibbles.</summary>
    Q5_1 = 7,

    /// <summary>32 weights: binary16 scale, 32 signed bytes.</summary>
    Q8_0 = 8,

    /// <summary>256 weights of 2 bits, 16 sub-blocks.</summary>
    Q2_K = 10,

    /// <summary>256 weights of 3 bits, 16 sub-blocks.</summary>
    Q3_K = 11,

    /// <summary>256 weights of 4 bits, 8 sub-blocks with 6-bit scale and minimum.</summary>
    Q4_K = 12,

    /// <summary>256 weights of 5 bits, 8 sub-blocks with 6-bit scale and minimum.</summary>
    Q5_K = 13,

    /// <summary>256 weights of 6 bits, 16 sub-blocks with 8-bit scale.</summary>
    Q6_K = 14,

    /// <summary>32 weights: binary16 scale, 16 bytes of nibbles into a non-linear table.</summary>
    IQ4_NL = 20,

    /// <summary>256 weights of 4 bits into a non-linear table, 8 sub-blocks with 6-bit scale.</summary>
    IQ4_XS = 23,

    /// <summary>The upper half of a binary32.</summary>
    BF16 = 30,
}
