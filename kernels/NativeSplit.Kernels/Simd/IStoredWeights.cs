using System.Runtime.Intrinsics;

namespace NativeSplit.Kernels.Simd;

/// <summary>Reads stored weights as float32, 32 columns at a time, in both vector widths.</summary>
/// <remarks>The values equal the scalar set's bit for bit. Implementations are empty structs.</remarks>
internal unsafe interface IStoredWeights
{
    /// <summary>Columns 32·group to 32·group + 31 as four vectors of 8.</summary>
    static abstract void Load(byte* row, int group, out Vector256<float> w0, out Vector256<float> w1, out Vector256<float> w2, out Vector256<float> w3);

    /// <summary>Columns 32·group to 32·group + 31 as two vectors of 16.</summary>
    static abstract void Load(byte* row, int group, out Vector512<float> w0, out Vector512<float> w1);

    /// <summary>One column, for rows that aren't a multiple of 32 long. Formats with blocks never have such rows.</summary>
    static abstract float LoadOne(byte* row, int column);
}
