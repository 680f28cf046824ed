using System.Runtime.Intrinsics;

namespace NativeSplit.Kernels.Avx2;

/// <summary>How one packed type multiplies; see <c>PackedLayout</c>. Implementations are empty structs, so that the JIT makes a kernel of each.</summary>
/// <remarks>
/// A group of 32 columns is taken in two halves of 16 columns: 4 vectors, each one quad of columns of 8 rows. Each is
/// multiplied with 4 activations, broadcast. The state of a group is a vector of 8 sums, in whatever form the type likes;
/// <see cref="Finish"/> makes it the 8 integers of <c>ScalarPacked.Integer</c>.
/// </remarks>
internal unsafe interface IAvx2Packed
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
    static abstract void Load(byte* group, int half, out Vector256<byte> w0, out Vector256<byte> w1, out Vector256<byte> w2, out Vector256<byte> w3);

    /// <summary>Integer scale of the 8 rows in a half, twice in the two 16-bit halves of a lane; ones when the type has none.</summary>
    static abstract Vector256<short> Scale(byte* group, int half);

    /// <summary>State before the first half.</summary>
    /// <param name="x">The block of activations.</param>
    static abstract Vector256<int> Start(byte* x);

    /// <summary>Adds the products of a half to a state.</summary>
    static abstract Vector256<int> Add(Vector256<int> state, Vector256<byte> w0, Vector256<byte> w1, Vector256<byte> w2, Vector256<byte> w3, byte* x, Vector256<short> scale);

    /// <summary>The integers of a group.</summary>
    /// <param name="state">State after both halves.</param>
    /// <param name="group">The group.</param>
    /// <param name="scale">Scale of the second half.</param>
    /// <param name="x">The block of activations.</param>
    static abstract Vector256<int> Finish(Vector256<int> state, byte* group, Vector256<short> scale, byte* x);

    /// <summary>Minima of the 8 rows; only called when there are.</summary>
    static abstract Vector256<float> Minimum(byte* group);
}
