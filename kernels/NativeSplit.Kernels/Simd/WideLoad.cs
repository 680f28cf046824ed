using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using X86Avx2 = System.Runtime.Intrinsics.X86.Avx2;

namespace NativeSplit.Kernels.Simd;

/// <summary>Loads that widen integers to 32 bits: one instruction where the processor has it, portable vectors elsewhere.</summary>
internal static unsafe class WideLoad
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> UInt16(ushort* source)
    {
        if (X86Avx2.IsSupported)
        {
            return X86Avx2.ConvertToVector256Int32(source).AsUInt32();
        }

        Vector128<ushort> packed = Vector128.Load(source);
        return Vector256.Create(Vector128.WidenLower(packed), Vector128.WidenUpper(packed));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> UInt16Wide(ushort* source)
    {
        if (Avx512F.IsSupported)
        {
            return Avx512F.ConvertToVector512Int32(Vector256.Load(source)).AsUInt32();
        }

        return Vector512.Create(UInt16(source), UInt16(source + 8));
    }

    /// <summary>The low 8 of 16 signed bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> LowerSByte(Vector128<sbyte> source)
    {
        if (X86Avx2.IsSupported)
        {
            return X86Avx2.ConvertToVector256Int32(source);
        }

        Vector128<short> widened = Vector128.WidenLower(source);
        return Vector256.Create(Vector128.WidenLower(widened), Vector128.WidenUpper(widened));
    }

    /// <summary>The high 8 of 16 signed bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> UpperSByte(Vector128<sbyte> source)
    {
        if (X86Avx2.IsSupported)
        {
            return X86Avx2.ConvertToVector256Int32(Sse2.ShiftRightLogical128BitLane(source, 8));
        }

        Vector128<short> widened = Vector128.WidenUpper(source);
        return Vector256.Create(Vector128.WidenLower(widened), Vector128.WidenUpper(widened));
    }

    /// <summary>16 signed bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> SByteWide(Vector128<sbyte> source)
    {
        if (Avx512F.IsSupported)
        {
            return Avx512F.ConvertToVector512Int32(source);
        }

        return Vector512.Create(LowerSByte(source), UpperSByte(source));
    }
}
