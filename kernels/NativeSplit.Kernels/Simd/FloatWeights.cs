using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace NativeSplit.Kernels.Simd;

/// <summary>Rows of binary32.</summary>
internal readonly unsafe struct F32Weights : IStoredWeights
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Load(byte* row, int group, out Vector256<float> w0, out Vector256<float> w1, out Vector256<float> w2, out Vector256<float> w3)
    {
        float* w = (float*)row + (32 * (nint)group);
        w0 = Vector256.Load(w);
        w1 = Vector256.Load(w + 8);
        w2 = Vector256.Load(w + 16);
        w3 = Vector256.Load(w + 24);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Load(byte* row, int group, out Vector512<float> w0, out Vector512<float> w1)
    {
        float* w = (float*)row + (32 * (nint)group);
        w0 = Vector512.Load(w);
        w1 = Vector512.Load(w + 16);
    }

    public static float LoadOne(byte* row, int column) => ((float*)row)[column];
}

/// <summary>Rows of binary16.</summary>
internal readonly unsafe struct F16Weights : IStoredWeights
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Load(byte* row, int group, out Vector256<float> w0, out Vector256<float> w1, out Vector256<float> w2, out Vector256<float> w3)
    {
        ushort* w = (ushort*)row + (32 * (nint)group);
        w0 = Unpacking.HalfToSingle(WideLoad.UInt16(w));
        w1 = Unpacking.HalfToSingle(WideLoad.UInt16(w + 8));
        w2 = Unpacking.HalfToSingle(WideLoad.UInt16(w + 16));
        w3 = Unpacking.HalfToSingle(WideLoad.UInt16(w + 24));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Load(byte* row, int group, out Vector512<float> w0, out Vector512<float> w1)
    {
        ushort* w = (ushort*)row + (32 * (nint)group);
        w0 = Unpacking.HalfToSingle(WideLoad.UInt16Wide(w));
        w1 = Unpacking.HalfToSingle(WideLoad.UInt16Wide(w + 16));
    }

    public static float LoadOne(byte* row, int column) => Unpacking.HalfToSingle(((ushort*)row)[column]);
}

/// <summary>Rows of bfloat16.</summary>
internal readonly unsafe struct BF16Weights : IStoredWeights
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Load(byte* row, int group, out Vector256<float> w0, out Vector256<float> w1, out Vector256<float> w2, out Vector256<float> w3)
    {
        ushort* w = (ushort*)row + (32 * (nint)group);
        w0 = (WideLoad.UInt16(w) << 16).AsSingle();
        w1 = (WideLoad.UInt16(w + 8) << 16).AsSingle();
        w2 = (WideLoad.UInt16(w + 16) << 16).AsSingle();
        w3 = (WideLoad.UInt16(w + 24) << 16).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Load(byte* row, int group, out Vector512<float> w0, out Vector512<float> w1)
    {
        ushort* w = (ushort*)row + (32 * (nint)group);
        w0 = (WideLoad.UInt16Wide(w) << 16).AsSingle();
        w1 = (WideLoad.UInt16Wide(w + 16) << 16).AsSingle();
    }

    public static float LoadOne(byte* row, int column) => BitConverter.UInt32BitsToSingle((uint)((ushort*)row)[column] << 16);
}
