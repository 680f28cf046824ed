using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace NativeSplit.Kernels.Avx2;

/// <summary>What is done with the integers of a group: the lines of <c>ScalarPacked.Dot</c>.</summary>
/// <typeparam name="TFormat">The type of the weights.</typeparam>
internal static unsafe class Avx2Sums<TFormat>
    where TFormat : struct, IAvx2Packed
{
    /// <summary>Scales of the minima of 8 rows in a block, or nothing.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> MinimumScale(byte* header) => TFormat.HasMinimum ? Avx2Quads.Halves(header + 16) : default;

    /// <summary>Minima of 8 rows in a group, or nothing.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Minimum(Vector256<float> scale, byte* group) => TFormat.HasMinimum ? scale * TFormat.Minimum(group) : default;

    /// <summary>Adds the integers of 8 rows and an input, scaled, to 8 sums.</summary>
    /// <param name="n">The integers.</param>
    /// <param name="d">Scales of the rows.</param>
    /// <param name="minimum">As <see cref="Minimum"/> gives it.</param>
    /// <param name="x">The block of activations.</param>
    /// <param name="sums">Shape [8].</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Add(Vector256<int> n, Vector256<float> d, Vector256<float> minimum, byte* x, float* sums)
    {
        Vector256<float> sum = Fma.MultiplyAdd(Vector256.ConvertToSingle(n), d * Avx2Quads.Meta(x, Int8Rows.ScaleOffset), Vector256.Load(sums));
        if (TFormat.HasMinimum)
        {
            sum = Fma.MultiplyAdd(minimum, Avx2Quads.Meta(x, Int8Rows.OffsetOffset), sum);
        }

        sum.Store(sums);
    }
}
