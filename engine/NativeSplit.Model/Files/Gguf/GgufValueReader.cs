namespace NativeSplit.Model.Files.Gguf;

/// <summary>Reads metadata values, arrays of arrays included.</summary>
internal static class GgufValueReader
{
    /// <summary>Arrays inside arrays at most. Files in use have one level.</summary>
    public const int MaximumDepth = 8;

    /// <summary>Reads a value type and the value.</summary>
    /// <exception cref="ModelException">The type is unknown, or a length can't be.</exception>
    public static GgufValue Read(BoundedReader reader) => ReadContent(reader, ReadType(reader), depth: 0);

    private static GgufValueType ReadType(BoundedReader reader)
    {
        uint number = reader.ReadUInt32();
        return number <= (uint)GgufValueType.Float64 ? (GgufValueType)number : throw reader.Corrupt($"value type {number} is unknown");
    }

    private static GgufValue ReadContent(BoundedReader reader, GgufValueType type, int depth) => type switch
    {
        GgufValueType.Float32 => new(type, (double)reader.ReadSingle()),
        GgufValueType.Float64 => new(type, reader.ReadDouble()),
        GgufValueType.Bool => new(type, ReadBool(reader)),
        GgufValueType.String => new(type, reader.ReadString()),
        GgufValueType.Array => ReadArray(reader, depth),
        GgufValueType.UInt64 => ReadUInt64(reader),
        _ => new(type, ReadInteger(reader, type)),
    };

    private static GgufValue ReadUInt64(BoundedReader reader)
    {
        ulong number = reader.ReadUInt64();
        return new(GgufValueType.UInt64, number <= long.MaxValue ? (long)number : number);
    }

    private static long ReadInteger(BoundedReader reader, GgufValueType type) => type switch
    {
        GgufValueType.UInt8 => reader.ReadByte(),
        GgufValueType.Int8 => (sbyte)reader.ReadByte(),
        GgufValueType.UInt16 => reader.ReadUInt16(),
        GgufValueType.Int16 => (short)reader.ReadUInt16(),
        GgufValueType.UInt32 => reader.ReadUInt32(),
        GgufValueType.Int32 => (int)reader.ReadUInt32(),
        _ => (long)reader.ReadUInt64(),
    };

    private static bool ReadBool(BoundedReader reader)
    {
        byte value = reader.ReadByte();
        return value <= 1 ? value == 1 : throw reader.Corrupt($"a boolean is {value}, expected 0 or 1");
    }

    private static GgufValue ReadArray(BoundedReader reader, int depth)
    {
        if (depth == MaximumDepth)
        {
            throw reader.Corrupt($"arrays are nested deeper than {MaximumDepth}");
        }

        var type = ReadType(reader);
        int count = reader.Judge(reader.ReadUInt64(), GgufValue.MinimumBytes(type), "elements");
        object elements = type switch
        {
            GgufValueType.Float32 => Fill(new float[count], reader, static (source, _) => source.ReadSingle(), type),
            GgufValueType.Float64 => Fill(new double[count], reader, static (source, _) => source.ReadDouble(), type),
            GgufValueType.Bool => Fill(new bool[count], reader, static (source, _) => ReadBool(source), type),
            GgufValueType.String => Fill(new string[count], reader, static (source, _) => source.ReadString(), type),
            GgufValueType.Array => ReadArrays(reader, count, depth + 1),
            GgufValueType.UInt64 => Fill(new ulong[count], reader, static (source, _) => source.ReadUInt64(), type),
            GgufValueType.UInt32 or GgufValueType.Int64 => Fill(new long[count], reader, ReadInteger, type),
            _ => Fill(new int[count], reader, static (source, element) => (int)ReadInteger(source, element), type),
        };
        return new(GgufValueType.Array, elements, type);
    }

    // Grows with what is really read: room for every level's count at once would multiply.
    private static GgufValue[] ReadArrays(BoundedReader reader, int count, int depth)
    {
        var arrays = new List<GgufValue>(Math.Min(count, 16));
        while (arrays.Count < count)
        {
            arrays.Add(ReadArray(reader, depth));
        }

        return [.. arrays];
    }

    private static T[] Fill<T>(T[] elements, BoundedReader reader, Func<BoundedReader, GgufValueType, T> read, GgufValueType type)
    {
        for (int index = 0; index < elements.Length; index++)
        {
            elements[index] = read(reader, type);
        }

        return elements;
    }
}
