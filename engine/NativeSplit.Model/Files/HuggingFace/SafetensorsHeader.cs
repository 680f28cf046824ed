using System.Buffers.Binary;
using System.Collections.Frozen;
using System.Security.Cryptography;
using System.Text.Json;

namespace NativeSplit.Model.Files.HuggingFace;

/// <summary>One tensor of a safetensors file.</summary>
/// <param name="Name">Name in the file.</param>
/// <param name="TypeName">Type as the file names it.</param>
/// <param name="Shape">Extents, outermost first; empty for a scalar.</param>
/// <param name="Offset">Bytes from the start of the file.</param>
/// <param name="ByteLength">Bytes it takes.</param>
internal sealed record SafetensorsTensor(string Name, string TypeName, IReadOnlyList<long> Shape, long Offset, long ByteLength);

/// <summary>The header of a safetensors file: a length of 8 bytes, then JSON, then the data that its offsets count from.</summary>
/// <remarks>Source: the format description of the safetensors library, whose limit on the header's length is kept.</remarks>
internal static class SafetensorsHeader
{
    /// <summary>Bytes of a header at most.</summary>
    public const long MaximumHeaderBytes = 100_000_000;

    private const int LengthBytes = sizeof(ulong);
    private const int MaximumDimensions = 8;

    private static readonly FrozenDictionary<string, int> BitsOf = new Dictionary<string, int>
    {
        ["BOOL"] = 8,
        ["F4"] = 4,
        ["F6_E2M3"] = 6,
        ["F6_E3M2"] = 6,
        ["U8"] = 8,
        ["I8"] = 8,
        ["F8_E5M2"] = 8,
        ["F8_E4M3"] = 8,
        ["F8_E8M0"] = 8,
        ["I16"] = 16,
        ["U16"] = 16,
        ["F16"] = 16,
        ["BF16"] = 16,
        ["I32"] = 32,
        ["U32"] = 32,
        ["F32"] = 32,
        ["C64"] = 64,
        ["F64"] = 64,
        ["I64"] = 64,
        ["U64"] = 64,
    }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>Reads the header of a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="hash">Takes in the header's bytes; null for none.</param>
    /// <param name="fileLength">Length of the file.</param>
    /// <returns>The tensors in the order of the header.</returns>
    /// <exception cref="ModelException">It isn't a whole safetensors file.</exception>
    /// <exception cref="IOException">The file can't be read.</exception>
    public static IReadOnlyList<SafetensorsTensor> Read(string path, IncrementalHash? hash, out long fileLength)
    {
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, bufferSize: 0);
        fileLength = stream.Length;
        return Read(stream, path, hash);
    }

    /// <summary>Reads the header from a stream of the whole file.</summary>
    /// <param name="stream">Seekable, at position 0; lent.</param>
    /// <param name="source">File name for messages.</param>
    /// <param name="hash">Takes in the header's bytes; null for none.</param>
    /// <exception cref="ModelException">It isn't a whole safetensors file.</exception>
    public static IReadOnlyList<SafetensorsTensor> Read(Stream stream, string source, IncrementalHash? hash)
    {
        byte[] json = ReadJson(stream, source, hash);
        long data = LengthBytes + json.Length;
        var tensors = new List<SafetensorsTensor>();
        foreach (var property in JsonSection.Parse(json, source).Properties)
        {
            if (property.Name != "__metadata__")
            {
                tensors.Add(ReadTensor(property, source, data, stream.Length - data));
            }
        }

        TensorLayout.RequireDisjoint(source, tensors.Select(tensor => (tensor.Name, tensor.Offset, tensor.ByteLength)));
        return tensors;
    }

    private static byte[] ReadJson(Stream stream, string source, IncrementalHash? hash)
    {
        Span<byte> prefix = stackalloc byte[LengthBytes];
        int got = stream.ReadAtLeast(prefix, prefix.Length, throwOnEndOfStream: false);
        ulong length = got == LengthBytes ? BinaryPrimitives.ReadUInt64LittleEndian(prefix) : 0;
        long room = stream.Length - LengthBytes;
        if (length < 2 || length > MaximumHeaderBytes || (long)length > room)
        {
            throw new ModelException(
                ModelFault.Corrupt, $"{source} isn't a whole safetensors file: its header would have {length} bytes, of {Math.Max(room, 0)} in the file and {MaximumHeaderBytes} at most. Download it again (a Git LFS pointer or an error page may stand in its place).");
        }

        byte[] json = new byte[length];
        stream.ReadExactly(json);
        hash?.AppendData(prefix);
        hash?.AppendData(json);
        return json;
    }

    private static SafetensorsTensor ReadTensor(JsonProperty property, string source, long data, long room)
    {
        string name = property.Name;
        if (property.Value.ValueKind != JsonValueKind.Object)
        {
            throw Corrupt(source, name, "its entry isn't an object");
        }

        var entry = new JsonSection($"{source}: tensor '{name}'", property.Value);
        string typeName = entry.String("dtype") ?? throw Corrupt(source, name, "it has no 'dtype'");
        if (!BitsOf.TryGetValue(typeName, out int bits))
        {
            throw new ModelException(ModelFault.Unsupported, $"{source}: tensor '{name}' has type '{typeName}', which isn't known here. Use the model in F32, F16 or BF16.");
        }

        long[] shape = ReadNumbers(entry, "shape", MaximumDimensions) ?? throw Corrupt(source, name, "it has no 'shape'");
        long[]? offsets = ReadNumbers(entry, "data_offsets", maximum: 2);
        if (offsets is not [long start, long end] || start > end || end > room)
        {
            throw Corrupt(source, name, $"its 'data_offsets' [{string.Join(", ", offsets ?? [])}] aren't a range inside the {room} bytes of data: the file is truncated or damaged");
        }

        if (CountBits(shape, bits) != (Int128)(end - start) * 8)
        {
            throw Corrupt(source, name, $"{typeName} [{string.Join(", ", shape)}] doesn't take the {end - start} bytes of its 'data_offsets'");
        }

        return new(name, typeName, shape, data + start, end - start);
    }

    private static long[]? ReadNumbers(JsonSection entry, string key, int maximum)
    {
        if (!entry.TryGet(key, out var value) || value.ValueKind != JsonValueKind.Array || value.GetArrayLength() > maximum)
        {
            return null;
        }

        long[] numbers = new long[value.GetArrayLength()];
        for (int index = 0; index < numbers.Length; index++)
        {
            var item = value[index];
            if (item.ValueKind != JsonValueKind.Number || !item.TryGetInt64(out numbers[index]) || numbers[index] < 0)
            {
                throw entry.Mismatch(key, "an array of integers from 0");
            }
        }

        return numbers;
    }

    // Saturates well above any file's length, so that no product overflows.
    private static Int128 CountBits(long[] shape, int bits)
    {
        Int128 product = bits;
        foreach (long extent in shape)
        {
            product = Int128.Min(product * extent, (Int128)1 << 63 << 3);
        }

        return shape.Contains(0) ? 0 : product;
    }

    private static ModelException Corrupt(string source, string name, string what) => new(
        ModelFault.Corrupt, $"{source}: tensor '{name}': {what}. Download the file again.");
}
