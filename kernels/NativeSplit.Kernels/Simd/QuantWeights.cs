using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace NativeSplit.Kernels.Simd;

/// <summary>Rows of a quantised format: unpacks a group, then <c>scale·q + offset</c> in float32.</summary>
/// <typeparam name="TFormat">The format.</typeparam>
internal readonly unsafe struct QuantWeights<TFormat> : IStoredWeights
    where TFormat : struct, IQuantFormat
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Load(byte* row, int group, out Vector256<float> w0, out Vector256<float> w1, out Vector256<float> w2, out Vector256<float> w3)
    {
        Vector256<sbyte> q = Unpack(row, group, out GroupScale scale);
        Vector256<float> first = Vector256.Create(scale.First);
        Vector256<float> second = TFormat.HasTwoScales ? Vector256.Create(scale.Second) : first;
        w0 = Vector256.ConvertToSingle(WideLoad.LowerSByte(q.GetLower())) * first;
        w1 = Vector256.ConvertToSingle(WideLoad.UpperSByte(q.GetLower())) * first;
        w2 = Vector256.ConvertToSingle(WideLoad.LowerSByte(q.GetUpper())) * second;
        w3 = Vector256.ConvertToSingle(WideLoad.UpperSByte(q.GetUpper())) * second;
        if (TFormat.HasOffset)
        {
            Vector256<float> firstOffset = Vector256.Create(scale.FirstOffset);
            Vector256<float> secondOffset = TFormat.HasTwoScales ? Vector256.Create(scale.SecondOffset) : firstOffset;
            w0 += firstOffset;
            w1 += firstOffset;
            w2 += secondOffset;
            w3 += secondOffset;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Load(byte* row, int group, out Vector512<float> w0, out Vector512<float> w1)
    {
        Vector256<sbyte> q = Unpack(row, group, out GroupScale scale);
        Vector512<float> first = Vector512.Create(scale.First);
        Vector512<float> second = TFormat.HasTwoScales ? Vector512.Create(scale.Second) : first;
        w0 = Vector512.ConvertToSingle(WideLoad.SByteWide(q.GetLower())) * first;
        w1 = Vector512.ConvertToSingle(WideLoad.SByteWide(q.GetUpper())) * second;
        if (TFormat.HasOffset)
        {
            Vector512<float> firstOffset = Vector512.Create(scale.FirstOffset);
            w0 += firstOffset;
            w1 += TFormat.HasTwoScales ? Vector512.Create(scale.SecondOffset) : firstOffset;
        }
    }

    public static float LoadOne(byte* row, int column) =>
        throw new InvalidOperationException($"A row of {typeof(TFormat).Name} is a multiple of 32 columns long; column {column} is behind that.");

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<sbyte> Unpack(byte* row, int group, out GroupScale scale)
    {
        uint block = (uint)group / (uint)TFormat.GroupsPerBlock;
        uint inner = (uint)group % (uint)TFormat.GroupsPerBlock;
        return TFormat.Unpack(row + ((nint)block * TFormat.BlockBytes), (int)inner, out scale);
    }
}
