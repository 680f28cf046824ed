using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using ArmAdvSimd = System.Runtime.Intrinsics.Arm.AdvSimd;

namespace NativeSplit.Kernels.AdvSimd;

/// <summary>Pieces of packed products on 128-bit vectors: 4 rows by a quad of columns. Two vectors make the 8 rows of a panel.</summary>
/// <remarks>Few bytes are read as a float or a double, whatever they mean, since that load goes straight to a vector register.</remarks>
internal static unsafe class AdvSimdQuads
{
    /// <summary><c>n[r] += Σ_{b &lt; 4} w[4r + b]·x[4·quad + b]</c> for 4 rows.</summary>
    /// <param name="n">Sums of 4 rows.</param>
    /// <param name="w">Weights: 4 columns of each row.</param>
    /// <param name="x">16 activations, each at least −127.</param>
    /// <param name="quad">Which 4 of them.</param>
    /// <remarks>
    /// SDOT where the processor has it. Without, products in 16 bits, neighbours added there: 2·128·127 = 32512 &lt; 2¹⁵; then
    /// pairs are added to the sums.
    /// </remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> MultiplyAdd(Vector128<int> n, Vector128<sbyte> w, Vector128<sbyte> x, [ConstantExpected(Max = (byte)3)] byte quad)
    {
        if (Dp.IsSupported)
        {
            return Dp.DotProductBySelectedQuadruplet(n, w, x, quad);
        }

        if (ArmAdvSimd.Arm64.IsSupported)
        {
            Vector128<sbyte> every = ArmAdvSimd.DuplicateSelectedScalarToVector128(x.AsInt32(), quad).AsSByte();
            Vector128<short> pairs = ArmAdvSimd.Arm64.AddPairwise(
                ArmAdvSimd.MultiplyWideningLower(w.GetLower(), every.GetLower()),
                ArmAdvSimd.MultiplyWideningUpper(w, every));
            return ArmAdvSimd.AddPairwiseWideningAndAdd(n, pairs);
        }

        Vector128<sbyte> broadcast = Vector128.Create(x.AsInt32().GetElement(quad)).AsSByte();
        Vector128<float> lower = Pairs(Vector128.WidenLower(w) * Vector128.WidenLower(broadcast));
        Vector128<float> upper = Pairs(Vector128.WidenUpper(w) * Vector128.WidenUpper(broadcast));
        return n + AdvSimdLanes.Even(lower, upper).AsInt32() + AdvSimdLanes.Odd(lower, upper).AsInt32();
    }

    /// <summary>4 nibble quads of a half of a group, for 4 rows: low, high, low, high nibbles of two vectors.</summary>
    /// <param name="rows">The group, or 16 bytes on for the second 4 rows.</param>
    /// <param name="half">Half of the group.</param>
    /// <param name="w0">First quad.</param>
    /// <param name="w1">Second quad.</param>
    /// <param name="w2">Third quad.</param>
    /// <param name="w3">Fourth quad.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Nibbles(byte* rows, int half, out Vector128<byte> w0, out Vector128<byte> w1, out Vector128<byte> w2, out Vector128<byte> w3)
    {
        Vector128<byte> mask = Vector128.Create((byte)15);
        Vector128<byte> first = Vector128.Load(rows + (64 * half));
        Vector128<byte> second = Vector128.Load(rows + (64 * half) + 32);
        w0 = first & mask;
        w1 = first >> 4;
        w2 = second & mask;
        w3 = second >> 4;
    }

    /// <summary>4 unsigned bytes as 32-bit numbers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> UnsignedBytes(byte* source)
    {
        Vector128<byte> bytes = Vector128.CreateScalarUnsafe(Unsafe.ReadUnaligned<float>(source)).AsByte();
        return Vector128.WidenLower(Vector128.WidenLower(bytes)).AsInt32();
    }

    /// <summary>4 signed bytes as 32-bit numbers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> SignedBytes(byte* source)
    {
        Vector128<sbyte> bytes = Vector128.CreateScalarUnsafe(Unsafe.ReadUnaligned<float>(source)).AsSByte();
        return Vector128.WidenLower(Vector128.WidenLower(bytes));
    }

    /// <summary>4 binary16 as float32; none is infinite or NaN (<see cref="PackedWeights.HasFiniteScales"/>).</summary>
    /// <remarks>Sign, exponent and fraction in their places make the value times 2⁻¹¹², also for subnormals.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Halves(byte* source)
    {
        Vector128<ushort> packed = Vector128.CreateScalarUnsafe(Unsafe.ReadUnaligned<double>(source)).AsUInt16();
        Vector128<int> bits = (Vector128.WidenLower(packed) << 16).AsInt32() >> 3;
        return (bits & Vector128.Create(unchecked((int)0x8FFF_E000))).AsSingle() * Vector128.Create(5.192296858534828e33f);
    }

    /// <summary>A number of a block of activations, for all rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Meta(byte* x, int offset) => Vector128.Create(Unsafe.ReadUnaligned<float>(x + offset));

    /// <summary>Neighbours of 8 16-bit numbers added, as 32-bit lanes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Pairs(Vector128<short> products)
    {
        Vector128<int> lanes = products.AsInt32();
        return (((lanes << 16) >> 16) + (lanes >> 16)).AsSingle();
    }
}
