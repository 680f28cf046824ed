namespace NativeSplit.Kernels;

/// <summary>In what form a KV cache keeps keys and values.</summary>
public enum KeyValueType
{
    /// <summary>Float32: exact.</summary>
    F32,

    /// <summary>Binary16: half the bytes; magnitudes above 65504 become infinite.</summary>
    F16,

    /// <summary>Signed bytes, with a binary16 scale per position and 32 elements of a head: 34 bytes where float32 takes 128.</summary>
    Q8_0,
}
