using System.Buffers.Binary;
using System.Text;
using NativeSplit.Kernels.Formats;

namespace NativeSplit.ModelMaker;

/// <summary>Writes the directory of a GGUF file, version 3, little-endian: header, metadata, table of tensors.</summary>
/// <remarks>Layout: <c>docs/gguf.md</c> of ggml-org/ggml. Metadata is collected in memory; weights never are.</remarks>
internal sealed class GgufWriter : IDisposable
{
    /// <summary>Tensors start at multiples of this many bytes.</summary>
    public const int Alignment = 32;

    private const uint Version = 3;
    private const uint KindUInt32 = 4;
    private const uint KindInt32 = 5;
    private const uint KindFloat32 = 6;
    private const uint KindBool = 7;
    private const uint KindString = 8;
    private const uint KindArray = 9;

    private readonly MemoryStream _metadata = new();
    private readonly MemoryStream _tensors = new();
    private ulong _keys;
    private ulong _tensorCount;
    private long _dataLength;

    public void Dispose()
    {
        _metadata.Dispose();
        _tensors.Dispose();
    }

    public void Add(string key, uint value)
    {
        Key(key, KindUInt32);
        Write(_metadata, value);
    }

    public void Add(string key, float value)
    {
        Key(key, KindFloat32);
        Write(_metadata, BitConverter.SingleToUInt32Bits(value));
    }

    public void Add(string key, bool value)
    {
        Key(key, KindBool);
        _metadata.WriteByte(value ? (byte)1 : (byte)0);
    }

    public void Add(string key, string value)
    {
        Key(key, KindString);
        Write(_metadata, value);
    }

    /// <summary>Adds an array of strings, made one by one.</summary>
    public void AddStrings(string key, int count, Func<int, string> item)
    {
        Array(key, KindString, count);
        for (int i = 0; i < count; i++)
        {
            Write(_metadata, item(i));
        }
    }

    /// <summary>Adds an array of 32-bit integers, made one by one.</summary>
    public void AddIntegers(string key, int count, Func<int, int> item)
    {
        Array(key, KindInt32, count);
        for (int i = 0; i < count; i++)
        {
            Write(_metadata, (uint)item(i));
        }
    }

    /// <summary>Adds an array of 32-bit floats, made one by one.</summary>
    public void AddFloats(string key, int count, Func<int, float> item)
    {
        Array(key, KindFloat32, count);
        for (int i = 0; i < count; i++)
        {
            Write(_metadata, BitConverter.SingleToUInt32Bits(item(i)));
        }
    }

    /// <summary>Adds a tensor to the table; its data follows those of the tensors before it, padded to <see cref="Alignment"/>.</summary>
    /// <param name="name">Name.</param>
    /// <param name="type">Block format.</param>
    /// <param name="rows">Rows; 0 for a vector.</param>
    /// <param name="columns">Columns.</param>
    public void AddTensor(string name, WeightType type, int rows, int columns)
    {
        Write(_tensors, name);
        Write(_tensors, rows == 0 ? 1u : 2u);
        Write(_tensors, (ulong)columns);
        if (rows != 0)
        {
            Write(_tensors, (ulong)rows);
        }

        Write(_tensors, (uint)type);
        Write(_tensors, (ulong)_dataLength);
        _dataLength += Padded(BlockFormat.Of(type).RowBytes(columns) * Math.Max(1, rows));
        _tensorCount++;
    }

    /// <summary>Writes everything that comes before the weights.</summary>
    public void WriteTo(Stream file)
    {
        file.Write("GGUF"u8);
        Write(file, Version);
        Write(file, _tensorCount);
        Write(file, _keys);
        _metadata.WriteTo(file);
        _tensors.WriteTo(file);
        Pad(file);
    }

    /// <summary>Writes zeros up to the next multiple of <see cref="Alignment"/>.</summary>
    public static void Pad(Stream file)
    {
        ReadOnlySpan<byte> zeros = stackalloc byte[Alignment];
        file.Write(zeros[..(int)(Padded(file.Position) - file.Position)]);
    }

    private static long Padded(long length) => (length + Alignment - 1) / Alignment * Alignment;

    private void Key(string key, uint kind)
    {
        Write(_metadata, key);
        Write(_metadata, kind);
        _keys++;
    }

    private void Array(string key, uint kind, int count)
    {
        Key(key, KindArray);
        Write(_metadata, kind);
        Write(_metadata, (ulong)count);
    }

    private static void Write(Stream stream, uint value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        stream.Write(bytes);
    }

    private static void Write(Stream stream, ulong value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        stream.Write(bytes);
    }

    private static void Write(Stream stream, string value)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(value);
        Write(stream, (ulong)bytes.Length);
        stream.Write(bytes);
    }
}
