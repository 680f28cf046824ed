using System.Runtime.CompilerServices;
using ILGPU;

namespace NativeSplit.Kernels.Ilgpu.Portable;

/// <summary>Sums and maxima over the threads of a group, by halving through shared memory: the order is fixed, so equal inputs give equal bits.</summary>
/// <remarks>
/// Every thread of the group must call. ILGPU 1.5 may move the load of the result behind a later barrier, so a barrier after it
/// wouldn't protect it: the array may be written again only when the result has been used for something stored, and a barrier met.
/// </remarks>
internal static class Reduction
{
    /// <summary>Sum of one value per thread.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(ArrayView<float> shared, int thread, float value)
    {
        shared[thread] = value;
        Group.Barrier();
        for (int half = KernelLayout.GroupSize / 2; half > 0; half >>= 1)
        {
            if (thread < half)
            {
                shared[thread] += shared[thread + half];
            }

            Group.Barrier();
        }

        return shared[0];
    }

    /// <summary>Maximum of one value per thread; a NaN may or may not be taken.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Maximum(ArrayView<float> shared, int thread, float value)
    {
        shared[thread] = value;
        Group.Barrier();
        for (int half = KernelLayout.GroupSize / 2; half > 0; half >>= 1)
        {
            if (thread < half)
            {
                float other = shared[thread + half];
                shared[thread] = other > shared[thread] ? other : shared[thread];
            }

            Group.Barrier();
        }

        return shared[0];
    }
}
