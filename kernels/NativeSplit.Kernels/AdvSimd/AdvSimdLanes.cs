using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using ArmAdvSimd = System.Runtime.Intrinsics.Arm.AdvSimd;

namespace NativeSplit.Kernels.AdvSimd;

/// <summary>Moves of 32-bit lanes that are one instruction on Arm, and two or three portable ones elsewhere.</summary>
internal static class AdvSimdLanes
{
    /// <summary>Lanes a0 a2 b0 b2.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Even(Vector128<float> a, Vector128<float> b) => ArmAdvSimd.Arm64.IsSupported
        ? ArmAdvSimd.Arm64.UnzipEven(a, b)
        : Vector128.Create(Vector128.Shuffle(a, Vector128.Create(0, 2, 0, 2)).GetLower(), Vector128.Shuffle(b, Vector128.Create(0, 2, 0, 2)).GetLower());

    /// <summary>Lanes a1 a3 b1 b3.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Odd(Vector128<float> a, Vector128<float> b) => ArmAdvSimd.Arm64.IsSupported
        ? ArmAdvSimd.Arm64.UnzipOdd(a, b)
        : Vector128.Create(Vector128.Shuffle(a, Vector128.Create(1, 3, 1, 3)).GetLower(), Vector128.Shuffle(b, Vector128.Create(1, 3, 1, 3)).GetLower());

    /// <summary>Lanes a0 b0 a1 b1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> ZipLower(Vector128<float> a, Vector128<float> b) => ArmAdvSimd.Arm64.IsSupported
        ? ArmAdvSimd.Arm64.ZipLow(a, b)
        : Vector128.Shuffle(Vector128.Create(a.GetLower(), b.GetLower()), Vector128.Create(0, 2, 1, 3));

    /// <summary>Lanes a2 b2 a3 b3.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> ZipUpper(Vector128<float> a, Vector128<float> b) => ArmAdvSimd.Arm64.IsSupported
        ? ArmAdvSimd.Arm64.ZipHigh(a, b)
        : Vector128.Shuffle(Vector128.Create(a.GetUpper(), b.GetUpper()), Vector128.Create(0, 2, 1, 3));
}
