using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace NativeSplit.Kernels.Simd;

/// <summary>How a quantised format is unpacked in groups of 32 weights. Shared by the SIMD sets, since bytes are 256 bits wide in all.</summary>
/// <remarks>
/// Weight <c>j</c> of a group is <c>scale·q[j] + offset</c>, with <see cref="GroupScale.First"/> for j below 16 and
/// <see cref="GroupScale.Second"/> from 16 on. Product and sum round separately, as in the scalar set. Implementations
/// are empty structs: the JIT makes one specialised kernel of each.
/// </remarks>
internal unsafe interface IQuantFormat
{
    /// <summary>Bytes of a block.</summary>
    static abstract int BlockBytes { get; }

    /// <summary>Groups of 32 weights in a block: 1 or 8.</summary>
    static abstract int GroupsPerBlock { get; }

    /// <summary>True when weights have an offset.</summary>
    static abstract bool HasOffset { get; }

    /// <summary>True when the two halves of a group have scales of their own.</summary>
    static abstract bool HasTwoScales { get; }

    /// <summary>Unpacks the stored integers of one group, in order of columns.</summary>
    static abstract Vector256<sbyte> Unpack(byte* block, int group, out GroupScale scale);
}

/// <summary>Scale and offset of a group of 32 weights; without two scales only the first ones count.</summary>
internal readonly struct GroupScale
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public GroupScale(float first, float second = 0f, float firstOffset = 0f, float secondOffset = 0f)
    {
        First = first;
        Second = second;
        FirstOffset = firstOffset;
        SecondOffset = secondOffset;
    }

    public float First { get; }

    public float Second { get; }

    public float FirstOffset { get; }

    public float SecondOffset { get; }
}
