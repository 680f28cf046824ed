using System.Globalization;
using System.Security.Cryptography;

namespace NativeSplit.Model.Files.Gguf;

/// <summary>One tensor of a GGUF file.</summary>
/// <param name="Name">Name in the file.</param>
/// <param name="Type">Element type.</param>
/// <param name="Shape">Extents, outermost first.</param>
/// <param name="Offset">Bytes from the start of the file.</param>
/// <param name="ByteLength">Bytes it takes.</param>
internal sealed record GgufTensor(string Name, GgmlType Type, IReadOnlyList<long> Shape, long Offset, long ByteLength);

/// <summary>The directory of one GGUF file: what stands before the weights.</summary>
/// <remarks>
/// <code>
/// file   = 'GGUF' version:u32 tensors:u64 keys:u64 key* tensor* padding data
/// key    = name:string type:u32 value
/// string = length:u64 utf8*
/// array  = type:u32 count:u64 value*
/// tensor = name:string dimensions:u32 extent:u64* (innermost first) type:u32 offset:u64 (from data)
/// </code>
/// All little-endian; data and every tensor start at a multiple of <c>general.alignment</c>. Versions 2 and 3 look the same.
/// Source: the GGUF specification in the ggml repository.
/// </remarks>
internal sealed class GgufDirectory
{
    private const int MaximumDimensions = 4;
    private const int MinimumKeyBytes = sizeof(ulong) + 1 + sizeof(uint) + 1;
    private const int MinimumTensorBytes = sizeof(ulong) + 1 + sizeof(uint) + sizeof(ulong) + sizeof(uint) + sizeof(ulong);
    private const long DefaultAlignment = 32;

    private GgufDirectory(GgufMetadata metadata, IReadOnlyList<GgufTensor> tensors, long alignment, long fileLength)
    {
        FileLength = fileLength;
        Metadata = metadata;
        Tensors = tensors;
        Alignment = alignment;
    }

    /// <summary>Keys and values.</summary>
    public GgufMetadata Metadata { get; }

    /// <summary>Tensors in the order of the table.</summary>
    public IReadOnlyList<GgufTensor> Tensors { get; }

    /// <summary>Every tensor starts at a multiple of it.</summary>
    public long Alignment { get; }

    /// <summary>Length of the file when it was read.</summary>
    public long FileLength { get; }

    /// <summary>Reads the directory of a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="hash">Takes in the directory's bytes; null for none.</param>
    /// <exception cref="ModelException">It isn't a whole GGUF file of a known version.</exception>
    /// <exception cref="IOException">The file can't be read.</exception>
    public static GgufDirectory Read(string path, IncrementalHash? hash = null)
    {
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, bufferSize: 0);
        return Read(stream, path, hash);
    }

    /// <summary>Reads the directory from a stream of the whole file.</summary>
    /// <param name="stream">Seekable, at position 0; lent.</param>
    /// <param name="source">File name for messages.</param>
    /// <param name="hash">Takes in the directory's bytes; null for none.</param>
    /// <exception cref="ModelException">It isn't a whole GGUF file of a known version.</exception>
    public static GgufDirectory Read(Stream stream, string source, IncrementalHash? hash = null)
    {
        RequireMagic(stream, source);
        var reader = new BoundedReader(stream, source, hash);
        reader.ReadUInt32();
        RequireVersion(reader);
        ulong tensorCount = reader.ReadUInt64();
        int keyCount = reader.Judge(reader.ReadUInt64(), MinimumKeyBytes, "keys");
        reader.Judge(tensorCount, MinimumTensorBytes, "tensors");

        var metadata = ReadMetadata(reader, keyCount);
        long alignment = ReadAlignment(reader, metadata);
        reader.Subject = "the tensor table";
        var tensors = ReadTensors(reader, reader.Judge(tensorCount, MinimumTensorBytes, "tensors"), alignment);
        reader.CompleteHash();
        var placed = Place(reader, tensors, alignment);
        return new GgufDirectory(metadata, placed, alignment, reader.Length);
    }

    private static void RequireMagic(Stream stream, string source)
    {
        Span<byte> head = stackalloc byte[FileSignature.HeadBytes];
        int count = stream.ReadAtLeast(head, head.Length, throwOnEndOfStream: false);
        if (!head[..count].StartsWith("GGUF"u8))
        {
            throw new ModelException(ModelFault.Corrupt, $"{source} isn't a GGUF file: {FileSignature.Describe(head[..count], stream.Length)}.");
        }

        stream.Position = 0;
    }

    private static void RequireVersion(BoundedReader reader)
    {
        uint version = reader.ReadUInt32();
        if (version is 2 or 3)
        {
            return;
        }

        bool swapped = (version & 0xFFFF) == 0 && version != 0;
        string mend = swapped ? "is big-endian; convert it to little-endian"
            : version == 1 ? "has version 1, which is obsolete; convert the original model with a current tool"
            : $"has version {version}; versions 2 and 3 can be read";
        throw new ModelException(ModelFault.Unsupported, $"{reader.Source}: the GGUF file {mend}.");
    }

    private static GgufMetadata ReadMetadata(BoundedReader reader, int count)
    {
        var values = new Dictionary<string, GgufValue>(Math.Min(count, 256), StringComparer.Ordinal);
        for (int index = 0; index < count; index++)
        {
            reader.Subject = $"key {index} of {count}";
            string key = reader.ReadName();
            reader.Subject = $"key '{key}'";
            if (!values.TryAdd(key, GgufValueReader.Read(reader)))
            {
                throw reader.Corrupt("the key stands twice in the file");
            }
        }

        return new GgufMetadata(reader.Source, values);
    }

    private static long ReadAlignment(BoundedReader reader, GgufMetadata metadata)
    {
        if (!metadata.TryGetInteger("general.alignment", out long alignment))
        {
            return DefaultAlignment;
        }

        reader.Subject = "key 'general.alignment'";
        return alignment is > 0 and <= 1 << 20 && long.IsPow2(alignment)
            ? alignment
            : throw reader.Corrupt($"the alignment is {alignment}, expected a power of two up to 1048576");
    }

    private static List<GgufTensor> ReadTensors(BoundedReader reader, int count, long alignment)
    {
        var tensors = new List<GgufTensor>(Math.Min(count, 4096));
        var names = new HashSet<string>(StringComparer.Ordinal);
        for (int index = 0; index < count; index++)
        {
            reader.Subject = $"tensor {index} of {count}";
            string name = reader.ReadName();
            reader.Subject = $"tensor '{name}'";
            if (!names.Add(name))
            {
                throw reader.Corrupt("the tensor stands twice in the file");
            }

            tensors.Add(ReadTensor(reader, name, alignment));
        }

        return tensors;
    }

    private static GgufTensor ReadTensor(BoundedReader reader, string name, long alignment)
    {
        uint dimensions = reader.ReadUInt32();
        if (dimensions is 0 or > MaximumDimensions)
        {
            throw reader.Corrupt($"it has {dimensions} dimensions, expected 1 to {MaximumDimensions}");
        }

        long[] shape = new long[dimensions];
        for (int axis = shape.Length - 1; axis >= 0; axis--)
        {
            ulong extent = reader.ReadUInt64();
            shape[axis] = extent is > 0 and <= long.MaxValue ? (long)extent : throw reader.Corrupt($"an extent is {extent}");
        }

        uint number = reader.ReadUInt32();
        if (!GgmlType.TryGet(number, out var type))
        {
            throw new ModelException(ModelFault.Unsupported, $"{reader.Source}: tensor '{name}' {GgmlType.Explain(number)}.");
        }

        ulong offset = reader.ReadUInt64();
        if (offset > long.MaxValue || offset % (ulong)alignment != 0)
        {
            throw reader.Corrupt($"its offset {offset} isn't a multiple of the alignment {alignment}");
        }

        return new GgufTensor(name, type, shape, (long)offset, CountBytes(reader, shape, type));
    }

    private static long CountBytes(BoundedReader reader, long[] shape, GgmlType type)
    {
        if (shape[^1] % type.BlockLength != 0)
        {
            throw reader.Corrupt($"rows of {shape[^1]} weights can't be {type.Name}, whose blocks hold {type.BlockLength}");
        }

        try
        {
            long bytes = checked(shape[^1] / type.BlockLength * type.BlockBytes);
            for (int axis = 0; axis < shape.Length - 1; axis++)
            {
                bytes = checked(bytes * shape[axis]);
            }

            return bytes;
        }
        catch (OverflowException)
        {
            throw reader.Corrupt($"its shape [{string.Join(", ", shape)}] overflows");
        }
    }

    // Offsets in the table count from the data section; from here on they count from the file's start.
    private static GgufTensor[] Place(BoundedReader reader, List<GgufTensor> tensors, long alignment)
    {
        long data = (reader.Position + alignment - 1) / alignment * alignment;
        var placed = new GgufTensor[tensors.Count];
        for (int index = 0; index < placed.Length; index++)
        {
            var tensor = tensors[index];
            reader.Subject = $"tensor '{tensor.Name}'";
            long room = reader.Length - data;
            if (tensor.Offset > room || tensor.ByteLength > room - tensor.Offset)
            {
                string end = ((Int128)data + tensor.Offset + tensor.ByteLength).ToString(CultureInfo.InvariantCulture);
                throw reader.Corrupt($"its data ends at byte {end}, the file at byte {reader.Length}: the file is truncated");
            }

            placed[index] = tensor with { Offset = data + tensor.Offset };
        }

        TensorLayout.RequireDisjoint(reader.Source, placed.Select(tensor => (tensor.Name, tensor.Offset, tensor.ByteLength)));
        return placed;
    }
}
