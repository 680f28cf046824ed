using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using NativeSplit.Kernels.Simd;

namespace NativeSplit.Kernels;

/// <summary>Float32 to and from the 16-bit float types, and to and from little-endian bytes.</summary>
/// <remarks>
/// Narrowing rounds to nearest, ties to even; too great a value becomes infinity; NaN stays NaN (made quiet). Widening is
/// exact. 16-bit values are kept as bits. Source and destination have equal lengths and may not overlap. Nothing allocates.
/// </remarks>
public static class Conversion
{
    private const int Lanes = 8;

    /// <summary>Narrows to bfloat16.</summary>
    /// <param name="source">Shape [n].</param>
    /// <param name="destination">Bits, shape [n].</param>
    /// <exception cref="ArgumentException">Lengths differ.</exception>
    public static void ToBFloat16(ReadOnlySpan<float> source, Span<ushort> destination)
    {
        RequireEqual(source.Length, destination.Length);
        int i = 0;
        for (; i + Lanes <= source.Length; i += Lanes)
        {
            Narrow(NarrowBFloat16(LoadBits(source, i))).CopyTo(destination[i..]);
        }

        for (; i < source.Length; i++)
        {
            destination[i] = (ushort)NarrowBFloat16(Vector256.Create(BitConverter.SingleToUInt32Bits(source[i]))).ToScalar();
        }
    }

    /// <summary>Widens from bfloat16.</summary>
    /// <param name="source">Bits, shape [n].</param>
    /// <param name="destination">Shape [n].</param>
    /// <exception cref="ArgumentException">Lengths differ.</exception>
    public static void FromBFloat16(ReadOnlySpan<ushort> source, Span<float> destination)
    {
        RequireEqual(source.Length, destination.Length);
        int i = 0;
        for (; i + Lanes <= source.Length; i += Lanes)
        {
            (Widen(source, i) << 16).AsSingle().CopyTo(destination[i..]);
        }

        for (; i < source.Length; i++)
        {
            destination[i] = BitConverter.UInt32BitsToSingle((uint)source[i] << 16);
        }
    }

    /// <summary>Narrows to binary16.</summary>
    /// <inheritdoc cref="ToBFloat16"/>
    public static void ToFloat16(ReadOnlySpan<float> source, Span<ushort> destination)
    {
        RequireEqual(source.Length, destination.Length);
        int i = 0;
        for (; i + Lanes <= source.Length; i += Lanes)
        {
            Narrow(NarrowFloat16(LoadBits(source, i))).CopyTo(destination[i..]);
        }

        for (; i < source.Length; i++)
        {
            destination[i] = (ushort)NarrowFloat16(Vector256.Create(BitConverter.SingleToUInt32Bits(source[i]))).ToScalar();
        }
    }

    /// <summary>Widens from binary16.</summary>
    /// <inheritdoc cref="FromBFloat16"/>
    public static void FromFloat16(ReadOnlySpan<ushort> source, Span<float> destination)
    {
        RequireEqual(source.Length, destination.Length);
        int i = 0;
        for (; i + Lanes <= source.Length; i += Lanes)
        {
            Unpacking.HalfToSingle(Widen(source, i)).CopyTo(destination[i..]);
        }

        for (; i < source.Length; i++)
        {
            destination[i] = Unpacking.HalfToSingle(source[i]);
        }
    }

    /// <summary>Writes floats as little-endian binary32.</summary>
    /// <param name="source">Shape [n].</param>
    /// <param name="destination">4·n bytes; needs no alignment.</param>
    /// <exception cref="ArgumentException">Lengths don't match.</exception>
    public static void WriteFloat32(ReadOnlySpan<float> source, Span<byte> destination)
    {
        RequireEqual(source.Length * sizeof(float), destination.Length);
        if (BitConverter.IsLittleEndian)
        {
            MemoryMarshal.AsBytes(source).CopyTo(destination);
            return;
        }

        for (int i = 0; i < source.Length; i++)
        {
            BinaryPrimitives.WriteSingleLittleEndian(destination[(sizeof(float) * i)..], source[i]);
        }
    }

    /// <summary>Reads little-endian binary32.</summary>
    /// <param name="source">4·n bytes; needs no alignment.</param>
    /// <param name="destination">Shape [n].</param>
    /// <exception cref="ArgumentException">Lengths don't match.</exception>
    public static void ReadFloat32(ReadOnlySpan<byte> source, Span<float> destination)
    {
        RequireEqual(source.Length, destination.Length * sizeof(float));
        if (BitConverter.IsLittleEndian)
        {
            source.CopyTo(MemoryMarshal.AsBytes(destination));
            return;
        }

        for (int i = 0; i < destination.Length; i++)
        {
            destination[i] = BinaryPrimitives.ReadSingleLittleEndian(source[(sizeof(float) * i)..]);
        }
    }

    /// <summary>Writes floats as little-endian bfloat16.</summary>
    /// <param name="source">Shape [n].</param>
    /// <param name="destination">2·n bytes; needs no alignment.</param>
    /// <exception cref="ArgumentException">Lengths don't match.</exception>
    public static void WriteBFloat16(ReadOnlySpan<float> source, Span<byte> destination)
    {
        Span<ushort> bits = Bits(destination, source.Length);
        ToBFloat16(source, bits);
        ToLittleEndian(bits);
    }

    /// <summary>Writes floats as little-endian binary16.</summary>
    /// <inheritdoc cref="WriteBFloat16"/>
    public static void WriteFloat16(ReadOnlySpan<float> source, Span<byte> destination)
    {
        Span<ushort> bits = Bits(destination, source.Length);
        ToFloat16(source, bits);
        ToLittleEndian(bits);
    }

    /// <summary>Reads little-endian bfloat16.</summary>
    /// <param name="source">2·n bytes; needs no alignment.</param>
    /// <param name="destination">Shape [n].</param>
    /// <exception cref="ArgumentException">Lengths don't match.</exception>
    public static void ReadBFloat16(ReadOnlySpan<byte> source, Span<float> destination)
    {
        RequireEqual(source.Length, destination.Length * sizeof(ushort));
        if (BitConverter.IsLittleEndian)
        {
            FromBFloat16(MemoryMarshal.Cast<byte, ushort>(source), destination);
            return;
        }

        for (int i = 0; i < destination.Length; i++)
        {
            destination[i] = BitConverter.UInt32BitsToSingle((uint)BinaryPrimitives.ReadUInt16LittleEndian(source[(2 * i)..]) << 16);
        }
    }

    /// <summary>Reads little-endian binary16.</summary>
    /// <inheritdoc cref="ReadBFloat16"/>
    public static void ReadFloat16(ReadOnlySpan<byte> source, Span<float> destination)
    {
        RequireEqual(source.Length, destination.Length * sizeof(ushort));
        if (BitConverter.IsLittleEndian)
        {
            FromFloat16(MemoryMarshal.Cast<byte, ushort>(source), destination);
            return;
        }

        for (int i = 0; i < destination.Length; i++)
        {
            destination[i] = Unpacking.HalfToSingle(BinaryPrimitives.ReadUInt16LittleEndian(source[(2 * i)..]));
        }
    }

    /// <summary>Adds half a unit of the last place kept, less one when it is even; NaN keeps its upper fraction bits and becomes quiet.</summary>
    private static Vector256<uint> NarrowBFloat16(Vector256<uint> bits)
    {
        Vector256<uint> odd = (bits >> 16) & Vector256<uint>.One;
        Vector256<uint> rounded = (bits + odd + Vector256.Create(0x7FFFu)) >> 16;
        Vector256<uint> quiet = (bits >> 16) | Vector256.Create(0x0040u);
        return Vector256.ConditionalSelect(IsNaN(bits), quiet, rounded);
    }

    private static Vector256<uint> NarrowFloat16(Vector256<uint> bits)
    {
        Vector256<uint> magnitude = bits & Vector256.Create(0x7FFF_FFFFu);

        // Normal results: exponent bias 127 to 15, then as bfloat16 but for 13 bits.
        Vector256<uint> odd = (magnitude >> 13) & Vector256<uint>.One;
        Vector256<uint> normal = (magnitude + odd + Vector256.Create(unchecked((uint)((15 - 127) << 23)) + 0xFFF)) >> 13;

        // Subnormal results: adding 0.5 puts the last place kept, 2^−24, at the end of the fraction, and rounds there.
        Vector256<uint> subnormal = (magnitude.AsSingle() + Vector256.Create(0.5f)).AsUInt32() - Vector256.Create(0x3F00_0000u);

        // From 65520 up the nearest binary16 is infinity. All magnitudes are below 2^31, so signed comparison serves.
        Vector256<int> signed = magnitude.AsInt32();
        Vector256<uint> small = Vector256.LessThan(signed, Vector256.Create(0x3880_0000)).AsUInt32();
        Vector256<uint> great = Vector256.GreaterThan(signed, Vector256.Create(0x477F_EFFF)).AsUInt32();
        Vector256<uint> quiet = Vector256.Create(0x7E00u) | ((magnitude >> 13) & Vector256.Create(0x01FFu));
        Vector256<uint> result = Vector256.ConditionalSelect(small, subnormal, normal);
        result = Vector256.ConditionalSelect(great, Vector256.Create(0x7C00u), result);
        result = Vector256.ConditionalSelect(IsNaN(bits), quiet, result);
        return result | ((bits >> 16) & Vector256.Create(0x8000u));
    }

    private static Vector256<uint> IsNaN(Vector256<uint> bits) =>
        Vector256.GreaterThan((bits & Vector256.Create(0x7FFF_FFFFu)).AsInt32(), Vector256.Create(0x7F80_0000)).AsUInt32();

    private static Vector256<uint> LoadBits(ReadOnlySpan<float> source, int index) =>
        Vector256.Create(source.Slice(index, Lanes)).AsUInt32();

    private static Vector256<uint> Widen(ReadOnlySpan<ushort> source, int index)
    {
        Vector128<ushort> packed = Vector128.Create(source.Slice(index, Lanes));
        return Vector256.Create(Vector128.WidenLower(packed), Vector128.WidenUpper(packed));
    }

    private static Vector128<ushort> Narrow(Vector256<uint> values) => Vector128.Narrow(values.GetLower(), values.GetUpper());

    private static Span<ushort> Bits(Span<byte> destination, int count)
    {
        RequireEqual(count * sizeof(ushort), destination.Length);
        return MemoryMarshal.Cast<byte, ushort>(destination);
    }

    private static void ToLittleEndian(Span<ushort> bits)
    {
        if (!BitConverter.IsLittleEndian)
        {
            BinaryPrimitives.ReverseEndianness(bits, bits);
        }
    }

    private static void RequireEqual(int source, int destination, [CallerMemberName] string operation = "")
    {
        if (source != destination)
        {
            ThrowLengths(source, destination, operation);
        }
    }

    private static void ThrowLengths(int source, int destination, string operation) =>
        throw new ArgumentException($"{operation}: the lengths of source and destination don't match: {source} and {destination}.");
}
