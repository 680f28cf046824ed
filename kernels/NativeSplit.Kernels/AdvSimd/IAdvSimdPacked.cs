using System.Runtime.Intrinsics;

namespace NativeSplit.Kernels.AdvSimd;

/// <summary>How packed weights of one type are unpacked on 128-bit vectors, and what makes their integers. Implementations are empty structs.</summary>
/// <remarks>
/// <c>rows</c> is 0 for rows 0–3 of a panel and 1 for rows 4–7; <c>half</c> is 0 for columns 0–15 of a group and 1 for columns
/// 16–31. Unpacked weights are signed bytes; what they are too great by is taken off where sums start.
/// </remarks>
internal unsafe interface IAdvSimdPacked
{
    /// <summary>Bytes before the groups of a block.</summary>
    static abstract int HeaderBytes { get; }

    /// <summary>Bytes of a group.</summary>
    static abstract int GroupBytes { get; }

    /// <summary>Groups of a block.</summary>
    static abstract int GroupsPerBlock { get; }

    /// <summary>True when weights have a minimum.</summary>
    static abstract bool HasMinimum { get; }

    /// <summary>Integer scales of a row in a group: none, one, or one for either half.</summary>
    static abstract int Scales { get; }

    /// <summary>Unpacks the 4 quads of a half of a group, for 4 rows.</summary>
    static abstract void Load(byte* group, int half, int rows, out Vector128<byte> w0, out Vector128<byte> w1, out Vector128<byte> w2, out Vector128<byte> w3);

    /// <summary>Sum of a half before its first product: what the unpacked weights' excess amounts to, negated.</summary>
    /// <param name="x">The block of activations.</param>
    /// <param name="half">Half of the group.</param>
    static abstract Vector128<int> Start(byte* x, int half);

    /// <summary>Integer scales of 4 rows; only called when there are.</summary>
    static abstract Vector128<int> Scale(byte* group, int half, int rows);

    /// <summary>Minima of 4 rows; only called when there are.</summary>
    static abstract Vector128<float> Minimum(byte* group, int rows);
}
