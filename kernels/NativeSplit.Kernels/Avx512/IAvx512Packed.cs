using System.Runtime.Intrinsics;

namespace NativeSplit.Kernels.Avx512;

/// <summary>As <c>IAvx2Packed</c> for two neighbouring panels: the first in the lower half of every vector, the next in the upper.</summary>
/// <remarks>
/// <c>next</c> is the distance in bytes from a place in the first panel to the same place in the second. Written on portable
/// vectors, so that the same code is tested where the processor has no AVX-512.
/// </remarks>
internal unsafe interface IAvx512Packed
{
    /// <summary>Bytes before the groups of a block.</summary>
    static abstract int HeaderBytes { get; }

    /// <summary>Bytes of a group.</summary>
    static abstract int GroupBytes { get; }

    /// <summary>Groups of a block.</summary>
    static abstract int GroupsPerBlock { get; }

    /// <summary>True when weights have a minimum.</summary>
    static abstract bool HasMinimum { get; }

    /// <summary>Unpacks the 4 quads of a half of a group.</summary>
    static abstract void Load(byte* group, nint next, int half, out Vector512<byte> w0, out Vector512<byte> w1, out Vector512<byte> w2, out Vector512<byte> w3);

    /// <summary>Integer scale of the 16 rows in a half, twice in the two 16-bit halves of a lane; ones when the type has none.</summary>
    static abstract Vector512<short> Scale(byte* group, nint next, int half);

    /// <summary>Adds the products of a half to a state.</summary>
    static abstract Vector512<int> Add(Vector512<int> state, Vector512<byte> w0, Vector512<byte> w1, Vector512<byte> w2, Vector512<byte> w3, byte* x, Vector512<short> scale);

    /// <summary>The integers of a group.</summary>
    /// <param name="state">State after both halves.</param>
    /// <param name="group">The group.</param>
    /// <param name="next">Distance to the next panel.</param>
    /// <param name="scale">Scale of the second half.</param>
    /// <param name="x">The block of activations.</param>
    static abstract Vector512<int> Finish(Vector512<int> state, byte* group, nint next, Vector512<short> scale, byte* x);

    /// <summary>Minima of the 16 rows; only called when there are.</summary>
    static abstract Vector512<float> Minimum(byte* group, nint next);
}
