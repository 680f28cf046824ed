using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using NativeSplit.Kernels.Simd;

namespace NativeSplit.Kernels;

/// <summary>Layout of the keys, or the values, of one head in one page of a KV cache, and how elements get in and out.</summary>
/// <remarks>
/// <para>Keys are kept as [headSize, <see cref="Positions"/>]: scores of a whole page are then sums over rows, with a position per lane and
/// nothing to add up across lanes. Values are kept as [<see cref="Positions"/>, headSize].</para>
/// <para><see cref="KeyValueType.Q8_0"/>: the signed bytes in that order, then the scales, binary16, as [blocks, positions] for keys and
/// [positions, blocks] for values. A block is 32 elements of a head; the last one may be shorter.</para>
/// <para>Little-endian throughout, so pages may move between machines. All sets use these; nothing allocates.</para>
/// </remarks>
public static class KeyValuePage
{
    /// <summary>Positions of a page.</summary>
    public const int Positions = 32;

    /// <summary>Queries of one call of <see cref="KernelSet.AttendPage"/> at most.</summary>
    public const int MaxQueries = 32;

    /// <summary>Largest head that a quantised or half-precision page takes.</summary>
    public const int MaxHeadSize = 1024;

    private const int BlockLength = 32;
    private const int Lanes = 8;

    /// <summary>Bytes of the keys of one head in a page; as many for the values.</summary>
    /// <param name="type">How elements are kept.</param>
    /// <param name="headSize">Elements of a head.</param>
    /// <exception cref="ArgumentOutOfRangeException">No such type, or a head that is too large for it.</exception>
    public static int HeadBytes(KeyValueType type, int headSize)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(headSize);
        if (type != KeyValueType.F32)
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThan(headSize, MaxHeadSize);
        }

        return type switch
        {
            KeyValueType.F32 => checked(headSize * Positions * sizeof(float)),
            KeyValueType.F16 => headSize * Positions * sizeof(ushort),
            KeyValueType.Q8_0 => Positions * (headSize + (Blocks(headSize) * sizeof(ushort))),
            _ => throw new ArgumentOutOfRangeException(nameof(type), type, "No such type of KV cache."),
        };
    }

    /// <summary>Writes the key of one position.</summary>
    /// <param name="type">How elements are kept.</param>
    /// <param name="key">Shape [headSize].</param>
    /// <param name="position">Position in the page.</param>
    /// <param name="page">Keys of the head; <see cref="HeadBytes"/> long.</param>
    public static void StoreKey(KeyValueType type, ReadOnlySpan<float> key, int position, Span<byte> page)
    {
        Require(type, key.Length, position, page.Length);
        switch (type)
        {
            case KeyValueType.F32:
                Scatter(key, Bits<float>(page), position);
                break;
            case KeyValueType.F16:
                Span<ushort> halves = stackalloc ushort[key.Length];
                Conversion.ToFloat16(key, halves);
                Scatter(halves, Bits<ushort>(page), position);
                break;
            default:
                Span<sbyte> bytes = stackalloc sbyte[key.Length];
                Span<ushort> scales = stackalloc ushort[Blocks(key.Length)];
                Quantize(key, bytes, scales);
                Scatter(bytes, Bits<sbyte>(page), position);
                Scatter(scales, Bits<ushort>(page[(key.Length * Positions)..]), position);
                break;
        }
    }

    /// <summary>Writes the value of one position.</summary>
    /// <param name="type">How elements are kept.</param>
    /// <param name="value">Shape [headSize].</param>
    /// <param name="position">Position in the page.</param>
    /// <param name="page">Values of the head; <see cref="HeadBytes"/> long.</param>
    public static void StoreValue(KeyValueType type, ReadOnlySpan<float> value, int position, Span<byte> page)
    {
        Require(type, value.Length, position, page.Length);
        int headSize = value.Length;
        switch (type)
        {
            case KeyValueType.F32:
                value.CopyTo(Bits<float>(page)[(position * headSize)..]);
                break;
            case KeyValueType.F16:
                Conversion.ToFloat16(value, Bits<ushort>(page).Slice(position * headSize, headSize));
                break;
            default:
                int blocks = Blocks(headSize);
                Quantize(
                    value,
                    Bits<sbyte>(page).Slice(position * headSize, headSize),
                    Bits<ushort>(page[(headSize * Positions)..]).Slice(position * blocks, blocks));
                break;
        }
    }

    /// <summary>Sets the keys of all positions from one on to zero.</summary>
    /// <param name="type">How elements are kept.</param>
    /// <param name="headSize">Elements of a head.</param>
    /// <param name="from">First position to clear.</param>
    /// <param name="page">Keys of the head; <see cref="HeadBytes"/> long.</param>
    public static void ClearKeys(KeyValueType type, int headSize, int from, Span<byte> page)
    {
        Require(type, headSize, from, page.Length);
        int element = ElementBytes(type);
        int rows = headSize * Positions * element;
        ClearTails(page[..rows], element, from);
        ClearTails(page[rows..], sizeof(ushort), from);
    }

    /// <summary>Sets the values of all positions from one on to zero.</summary>
    /// <param name="type">How elements are kept.</param>
    /// <param name="headSize">Elements of a head.</param>
    /// <param name="from">First position to clear.</param>
    /// <param name="page">Values of the head; <see cref="HeadBytes"/> long.</param>
    public static void ClearValues(KeyValueType type, int headSize, int from, Span<byte> page)
    {
        Require(type, headSize, from, page.Length);
        int row = headSize * ElementBytes(type);
        page[(from * row)..(Positions * row)].Clear();
        if (type == KeyValueType.Q8_0)
        {
            page[((Positions * row) + (from * Blocks(headSize) * sizeof(ushort)))..].Clear();
        }
    }

    /// <summary>Gives the keys of a page in float32: a view of it when it is kept so, else a copy.</summary>
    /// <param name="type">How elements are kept.</param>
    /// <param name="page">Keys of the head; <see cref="HeadBytes"/> long.</param>
    /// <param name="headSize">Elements of a head.</param>
    /// <param name="room">At least headSize·<see cref="Positions"/> floats for a copy.</param>
    /// <returns>Shape [headSize, <see cref="Positions"/>].</returns>
    public static ReadOnlySpan<float> WidenKeys(KeyValueType type, ReadOnlySpan<byte> page, int headSize, Span<float> room)
    {
        if (type != KeyValueType.Q8_0)
        {
            return WidenFloats(type, page, headSize, room);
        }

        Span<float> scales = stackalloc float[Positions];
        ReadOnlySpan<sbyte> bytes = MemoryMarshal.Cast<byte, sbyte>(page);
        ReadOnlySpan<ushort> halves = MemoryMarshal.Cast<byte, ushort>(page[(headSize * Positions)..]);
        for (int element = 0; element < headSize; element++)
        {
            if (element % BlockLength == 0)
            {
                Conversion.FromFloat16(halves.Slice(element / BlockLength * Positions, Positions), scales);
            }

            ReadOnlySpan<sbyte> source = bytes.Slice(element * Positions, Positions);
            Span<float> target = room.Slice(element * Positions, Positions);
            for (int i = 0; i < Positions; i += Lanes)
            {
                (Widen(source, i) * Vector256.Create<float>(scales.Slice(i, Lanes))).CopyTo(target[i..]);
            }
        }

        return room[..(headSize * Positions)];
    }

    /// <summary>Gives the values of a page in float32: a view of it when it is kept so, else a copy.</summary>
    /// <param name="type">How elements are kept.</param>
    /// <param name="page">Values of the head; <see cref="HeadBytes"/> long.</param>
    /// <param name="headSize">Elements of a head.</param>
    /// <param name="room">At least headSize·<see cref="Positions"/> floats for a copy.</param>
    /// <returns>Shape [<see cref="Positions"/>, headSize].</returns>
    public static ReadOnlySpan<float> WidenValues(KeyValueType type, ReadOnlySpan<byte> page, int headSize, Span<float> room)
    {
        if (type != KeyValueType.Q8_0)
        {
            return WidenFloats(type, page, headSize, room);
        }

        int blocks = Blocks(headSize);
        ReadOnlySpan<sbyte> bytes = MemoryMarshal.Cast<byte, sbyte>(page);
        ReadOnlySpan<ushort> halves = MemoryMarshal.Cast<byte, ushort>(page[(headSize * Positions)..]);
        for (int position = 0; position < Positions; position++)
        {
            ReadOnlySpan<sbyte> source = bytes.Slice(position * headSize, headSize);
            Span<float> target = room.Slice(position * headSize, headSize);
            for (int block = 0; block < blocks; block++)
            {
                float scale = Unpacking.HalfToSingle(halves[(position * blocks) + block]);
                int end = Math.Min(headSize, (block + 1) * BlockLength);
                int i = block * BlockLength;
                for (; i + Lanes <= end; i += Lanes)
                {
                    (Widen(source, i) * Vector256.Create(scale)).CopyTo(target[i..]);
                }

                for (; i < end; i++)
                {
                    target[i] = source[i] * scale;
                }
            }
        }

        return room[..(headSize * Positions)];
    }

    // Rows of Positions elements each; behind the keys of types without scales there are none.
    private static void ClearTails(Span<byte> rows, int elementBytes, int from)
    {
        int row = Positions * elementBytes;
        for (int start = 0; start < rows.Length; start += row)
        {
            rows.Slice(start + (from * elementBytes), row - (from * elementBytes)).Clear();
        }
    }

    private static int ElementBytes(KeyValueType type) => type switch
    {
        KeyValueType.F32 => sizeof(float),
        KeyValueType.F16 => sizeof(ushort),
        _ => sizeof(sbyte),
    };

    private static ReadOnlySpan<float> WidenFloats(KeyValueType type, ReadOnlySpan<byte> page, int headSize, Span<float> room)
    {
        int count = headSize * Positions;
        if (type == KeyValueType.F32)
        {
            return MemoryMarshal.Cast<byte, float>(page)[..count];
        }

        Conversion.FromFloat16(MemoryMarshal.Cast<byte, ushort>(page)[..count], room[..count]);
        return room[..count];
    }

    // Against the scale as it is stored, so that its own rounding costs nothing. A NaN or an infinity makes the whole block NaN.
    private static void Quantize(ReadOnlySpan<float> x, Span<sbyte> bytes, Span<ushort> scales)
    {
        for (int block = 0; block < scales.Length; block++)
        {
            int start = block * BlockLength;
            int end = Math.Min(x.Length, start + BlockLength);
            float largest = 0;
            for (int i = start; i < end; i++)
            {
                largest = MathF.Max(largest, MathF.Abs(x[i]));
            }

            Half scale = float.IsFinite(largest) ? (Half)(largest / sbyte.MaxValue) : Half.NaN;
            scales[block] = BitConverter.HalfToUInt16Bits(Half.IsFinite(scale) ? scale : Half.NaN);
            float inverse = scale == Half.Zero || !Half.IsFinite(scale) ? 0f : 1f / (float)scale;
            for (int i = start; i < end; i++)
            {
                float quotient = inverse == 0f ? 0f : x[i] * inverse;
                bytes[i] = (sbyte)Math.Clamp(MathF.Round(quotient), -sbyte.MaxValue, sbyte.MaxValue);
            }
        }
    }

    private static void Scatter<T>(ReadOnlySpan<T> source, Span<T> page, int position)
    {
        for (int i = 0; i < source.Length; i++)
        {
            page[(i * Positions) + position] = source[i];
        }
    }

    private static Vector256<float> Widen(ReadOnlySpan<sbyte> source, int index)
    {
        Vector128<sbyte> bytes = Vector128.CreateScalar(BinaryPrimitives.ReadInt64LittleEndian(MemoryMarshal.AsBytes(source.Slice(index, Lanes)))).AsSByte();
        return Vector256.ConvertToSingle(WideLoad.LowerSByte(bytes));
    }

    private static int Blocks(int headSize) => (headSize + BlockLength - 1) / BlockLength;

    private static Span<T> Bits<T>(Span<byte> bytes)
        where T : struct => MemoryMarshal.Cast<byte, T>(bytes);

    private static void Require(KeyValueType type, int headSize, int position, int length)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)position, (uint)Positions, nameof(position));
        int expected = HeadBytes(type, headSize);
        if (length != expected)
        {
            throw new ArgumentException($"A head of {headSize} elements takes {expected} bytes of a page as {type}, not {length}.");
        }
    }
}
