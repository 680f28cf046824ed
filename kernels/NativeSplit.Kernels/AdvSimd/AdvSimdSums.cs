using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace NativeSplit.Kernels.AdvSimd;

/// <summary>What is done with the integers of a group: the lines of <c>ScalarPacked.Dot</c>, for 4 rows.</summary>
/// <typeparam name="TFormat">The type of the weights.</typeparam>
internal static unsafe class AdvSimdSums<TFormat>
    where TFormat : struct, IAdvSimdPacked
{
    /// <summary>Minima of 4 rows in a group, or nothing.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Minimum(Vector128<float> minimumScale, byte* group, int rows) =>
        TFormat.HasMinimum ? minimumScale * TFormat.Minimum(group, rows) : default;

    /// <summary>Scales of minima of 4 rows in a block, or nothing.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> MinimumScale(byte* header, int rows) =>
        TFormat.HasMinimum ? AdvSimdQuads.Halves(header + 16 + (8 * rows)) : default;

    /// <summary>Integers of 4 rows in a group.</summary>
    /// <param name="lower">Sums of the first half; of the whole group where the halves don't have scales of their own.</param>
    /// <param name="upper">Sums of the second half; not read where the halves don't have scales of their own.</param>
    /// <param name="group">The group.</param>
    /// <param name="rows">0 or 1.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> Integers(Vector128<int> lower, Vector128<int> upper, byte* group, int rows) => TFormat.Scales switch
    {
        0 => lower,
        1 => lower * TFormat.Scale(group, 0, rows),
        _ => (lower * TFormat.Scale(group, 0, rows)) + (upper * TFormat.Scale(group, 1, rows)),
    };

    /// <summary>Adds the integers of 4 rows and an input, scaled, to 4 sums.</summary>
    /// <param name="sum">The sums.</param>
    /// <param name="n">The integers.</param>
    /// <param name="d">Scales of the rows.</param>
    /// <param name="minimum">As <see cref="Minimum"/> gives it.</param>
    /// <param name="x">The block of activations.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Add(Vector128<float> sum, Vector128<int> n, Vector128<float> d, Vector128<float> minimum, byte* x)
    {
        sum = Vector128.FusedMultiplyAdd(Vector128.ConvertToSingle(n), d * AdvSimdQuads.Meta(x, Int8Rows.ScaleOffset), sum);
        return TFormat.HasMinimum ? Vector128.FusedMultiplyAdd(minimum, AdvSimdQuads.Meta(x, Int8Rows.OffsetOffset), sum) : sum;
    }

    /// <summary>As <see cref="Add(Vector128{float}, Vector128{int}, Vector128{float}, Vector128{float}, byte*)"/>, in memory.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Add(float* sums, Vector128<int> n, Vector128<float> d, Vector128<float> minimum, byte* x) =>
        Add(Vector128.Load(sums), n, d, minimum, x).Store(sums);
}
