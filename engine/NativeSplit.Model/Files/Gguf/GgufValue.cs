namespace NativeSplit.Model.Files.Gguf;

/// <summary>Type of a metadata value, with its number in the file.</summary>
internal enum GgufValueType : uint
{
    UInt8 = 0,
    Int8 = 1,
    UInt16 = 2,
    Int16 = 3,
    UInt32 = 4,
    Int32 = 5,
    Float32 = 6,
    Bool = 7,
    String = 8,
    Array = 9,
    UInt64 = 10,
    Int64 = 11,
    Float64 = 12,
}

/// <summary>One metadata value.</summary>
/// <param name="Type">Type in the file.</param>
/// <param name="Content">
/// <see cref="long"/> for integers up to <see cref="long.MaxValue"/> and <see cref="ulong"/> above, <see cref="double"/>
/// for floats, <see cref="bool"/>, <see cref="string"/>, and for arrays <see cref="int"/>[] (elements of up to 32 bits
/// but UInt32), <see cref="long"/>[], <see cref="ulong"/>[] (UInt64), <see cref="float"/>[], <see cref="double"/>[],
/// <see cref="bool"/>[], <see cref="string"/>[] or <see cref="GgufValue"/>[] (arrays of arrays).
/// </param>
/// <param name="ElementType">Type of the elements of an array.</param>
internal readonly record struct GgufValue(GgufValueType Type, object Content, GgufValueType? ElementType = null)
{
    /// <summary>Type as a message names it.</summary>
    public string TypeName => ElementType is { } element ? $"array of {element}" : Type.ToString();

    /// <summary>Fewest bytes that a value of a type takes in a file.</summary>
    public static int MinimumBytes(GgufValueType type) => type switch
    {
        GgufValueType.UInt8 or GgufValueType.Int8 or GgufValueType.Bool => 1,
        GgufValueType.UInt16 or GgufValueType.Int16 => 2,
        GgufValueType.UInt32 or GgufValueType.Int32 or GgufValueType.Float32 => 4,
        GgufValueType.Array => sizeof(uint) + sizeof(ulong),
        _ => 8,
    };
}
