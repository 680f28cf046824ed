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

/// <summary>What an instruction set brings to <see cref="SimdMatrix{TIsa}"/>. Implementations are empty structs.</summary>
/// <remarks>All inner products sum in the order of <c>ScalarDot.Dot</c>.</remarks>
internal unsafe interface ISimdIsa
{
    /// <summary>Widens one row.</summary>
    static abstract void Widen<TWeights>(byte* row, float* destination, int columns)
        where TWeights : struct, IStoredWeights;

    /// <summary>Inner product of one stored row and one input row.</summary>
    static abstract float Dot<TWeights>(byte* row, float* x, int columns)
        where TWeights : struct, IStoredWeights;

    /// <summary>Inner products of one widened row and four input rows that lie <paramref name="columns"/> apart.</summary>
    static abstract void Dot4(float* row, float* x, int columns, float* y, nint yStride);
}
