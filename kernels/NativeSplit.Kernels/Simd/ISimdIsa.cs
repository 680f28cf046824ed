namespace NativeSplit.Kernels.Simd;

/// <summary>What an instruction set brings to <see cref="SimdMatrix{TIsa}"/>. Implementations are empty structs.</summary>
/// <remarks>
/// Everything sums in the order of <c>ScalarDot.Dot</c>. A state is the 32 partial sums of one row and one input. Methods
/// skip the JIT's first tier, which would take most of the time of a first short prompt.
/// </remarks>
internal unsafe interface ISimdIsa
{
    /// <summary>Widens columns 32·firstGroup to 32·(firstGroup + groups) of a row.</summary>
    static abstract void Widen<TWeights>(byte* row, int firstGroup, int groups, float* destination)
        where TWeights : struct, IStoredWeights;

    /// <summary>Inner product of one stored row and one input row.</summary>
    static abstract float Dot<TWeights>(byte* row, float* x, int columns)
        where TWeights : struct, IStoredWeights;

    /// <summary>Adds groups of 32 columns to the states of two rows and four inputs.</summary>
    /// <param name="w0">First widened row.</param>
    /// <param name="w1">Second widened row; may be the first.</param>
    /// <param name="x">First input.</param>
    /// <param name="xStride">Floats from one input to the next.</param>
    /// <param name="groups">Groups of 32 columns.</param>
    /// <param name="s0">States of the first row, those of the four inputs one behind the other.</param>
    /// <param name="s1">States of the second row; may be those of the first if the rows are the same.</param>
    static abstract void Accumulate4(float* w0, float* w1, float* x, nint xStride, int groups, float* s0, float* s1);

    /// <summary>As <see cref="Accumulate4"/> for one input.</summary>
    static abstract void Accumulate1(float* w0, float* w1, float* x, int groups, float* s0, float* s1);

    /// <summary>Sum of a state.</summary>
    static abstract float Fold(float* state);
}
