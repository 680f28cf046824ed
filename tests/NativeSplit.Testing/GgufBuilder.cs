using System.Text;

namespace NativeSplit.Testing;

/// <summary>Writes small GGUF files, right ones and, by the raw additions, wrong ones. Shares no code with the reader.</summary>
public sealed class GgufBuilder
{
    private readonly List<byte[]> _keys = [];
    private readonly List<(byte[] Entry, byte[] Data, ulong? Offset)> _tensors = [];

    /// <summary>First four bytes.</summary>
    public string Magic { get; set; } = "GGUF";

    /// <summary>Version in the header.</summary>
    public uint Version { get; set; } = 3;

    /// <summary>Alignment of the data; write <c>general.alignment</c> yourself.</summary>
    public int Alignment { get; set; } = 32;

    /// <summary>Number of keys in the header, when it shall be a lie.</summary>
    public ulong? KeyCount { get; set; }

    /// <summary>Number of tensors in the header, when it shall be a lie.</summary>
    public ulong? TensorCount { get; set; }

    /// <summary>A small llama model with random F32 weights.</summary>
    /// <param name="layers">Number of layers.</param>
    /// <param name="includeTensor">Chooses tensors by name; null for all.</param>
    public static GgufBuilder TinyLlama(int layers = 2, Func<string, bool>? includeTensor = null)
    {
        var builder = new GgufBuilder().TinyLlamaKeys(layers);
        var random = new Random(20260731);
        foreach (var (name, shape) in TinyLlamaTensors(layers))
        {
            // Drawn for every tensor, so that those chosen are the same in every choice.
            byte[] data = new byte[4 * shape.Aggregate(1, (product, extent) => product * (int)extent)];
            for (int index = 0; index < data.Length; index += 4)
            {
                BitConverter.TryWriteBytes(data.AsSpan(index), random.NextSingle() - 0.5f);
            }

            if (includeTensor?.Invoke(name) ?? true)
            {
                builder.AddTensor(name, type: 0, shape, data);
            }
        }

        return builder;
    }

    /// <summary>The metadata of <see cref="TinyLlama"/>: hidden 32, 4 heads of 8 with 2 for keys, feed-forward 48, vocabulary 16.</summary>
    public GgufBuilder TinyLlamaKeys(int layers = 2) => AddString("general.architecture", "llama")
        .AddUInt32("llama.block_count", (uint)layers)
        .AddUInt32("llama.context_length", 64)
        .AddUInt32("llama.embedding_length", 32)
        .AddUInt32("llama.feed_forward_length", 48)
        .AddUInt32("llama.attention.head_count", 4)
        .AddUInt32("llama.attention.head_count_kv", 2)
        .AddUInt32("llama.vocab_size", 16)
        .AddFloat32("llama.attention.layer_norm_rms_epsilon", 1e-5f);

    /// <summary>Names and shapes of the tensors of <see cref="TinyLlama"/>, outermost extent first.</summary>
    public static IEnumerable<(string Name, long[] Shape)> TinyLlamaTensors(int layers = 2)
    {
        yield return ("token_embd.weight", [16, 32]);
        yield return ("output_norm.weight", [32]);
        yield return ("output.weight", [16, 32]);
        for (int layer = 0; layer < layers; layer++)
        {
            yield return ($"blk.{layer}.attn_norm.weight", [32]);
            yield return ($"blk.{layer}.attn_q.weight", [32, 32]);
            yield return ($"blk.{layer}.attn_k.weight", [16, 32]);
            yield return ($"blk.{layer}.attn_v.weight", [16, 32]);
            yield return ($"blk.{layer}.attn_output.weight", [32, 32]);
            yield return ($"blk.{layer}.ffn_norm.weight", [32]);
            yield return ($"blk.{layer}.ffn_gate.weight", [48, 32]);
            yield return ($"blk.{layer}.ffn_up.weight", [48, 32]);
            yield return ($"blk.{layer}.ffn_down.weight", [32, 48]);
        }
    }

    public GgufBuilder AddUInt8(string key, byte value) => AddRaw(key, 0, writer => writer.Write(value));

    public GgufBuilder AddInt8(string key, sbyte value) => AddRaw(key, 1, writer => writer.Write(value));

    public GgufBuilder AddUInt16(string key, ushort value) => AddRaw(key, 2, writer => writer.Write(value));

    public GgufBuilder AddInt16(string key, short value) => AddRaw(key, 3, writer => writer.Write(value));

    public GgufBuilder AddUInt32(string key, uint value) => AddRaw(key, 4, writer => writer.Write(value));

    public GgufBuilder AddInt32(string key, int value) => AddRaw(key, 5, writer => writer.Write(value));

    public GgufBuilder AddFloat32(string key, float value) => AddRaw(key, 6, writer => writer.Write(value));

    public GgufBuilder AddBool(string key, bool value) => AddRaw(key, 7, writer => writer.Write(value));

    public GgufBuilder AddString(string key, string value) => AddRaw(key, 8, writer => WriteString(writer, value));

    public GgufBuilder AddUInt64(string key, ulong value) => AddRaw(key, 10, writer => writer.Write(value));

    public GgufBuilder AddInt64(string key, long value) => AddRaw(key, 11, writer => writer.Write(value));

    public GgufBuilder AddFloat64(string key, double value) => AddRaw(key, 12, writer => writer.Write(value));

    public GgufBuilder AddStrings(string key, params string[] values) =>
        AddArray(key, 8, (ulong)values.Length, writer => Array.ForEach(values, value => WriteString(writer, value)));

    /// <summary>Adds an array whose element type, count and content are given separately.</summary>
    public GgufBuilder AddArray(string key, uint elementType, ulong count, Action<BinaryWriter> content) => AddRaw(key, 9, writer =>
    {
        writer.Write(elementType);
        writer.Write(count);
        content(writer);
    });

    /// <summary>Adds a key with any type number and any content.</summary>
    public GgufBuilder AddRaw(string key, uint type, Action<BinaryWriter> content)
    {
        _keys.Add(Bytes(writer =>
        {
            WriteString(writer, key);
            writer.Write(type);
            content(writer);
        }));
        return this;
    }

    /// <summary>Adds a tensor.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="type">GGML type number.</param>
    /// <param name="shape">Extents, outermost first; the file has them the other way round.</param>
    /// <param name="data">Its bytes.</param>
    /// <param name="offset">Offset in the table, when it shall be a lie.</param>
    public GgufBuilder AddTensor(string name, uint type, long[] shape, byte[] data, ulong? offset = null)
    {
        byte[] entry = Bytes(writer =>
        {
            WriteString(writer, name);
            writer.Write(shape.Length);
            foreach (long extent in shape.Reverse())
            {
                writer.Write(extent);
            }

            writer.Write(type);
        });
        _tensors.Add((entry, data, offset));
        return this;
    }

    /// <summary>The whole file.</summary>
    public byte[] Build() => Bytes(writer =>
    {
        writer.Write(Encoding.Latin1.GetBytes(Magic));
        writer.Write(Version);
        writer.Write(TensorCount ?? (ulong)_tensors.Count);
        writer.Write(KeyCount ?? (ulong)_keys.Count);
        _keys.ForEach(writer.Write);
        ulong offset = 0;
        foreach (var tensor in _tensors)
        {
            writer.Write(tensor.Entry);
            writer.Write(tensor.Offset ?? offset);
            offset = Align(offset + (ulong)tensor.Data.Length);
        }

        foreach (var tensor in _tensors)
        {
            Pad(writer);
            writer.Write(tensor.Data);
        }
    });

    /// <summary>Writes a string as GGUF does: length of 8 bytes, UTF-8.</summary>
    public static void WriteString(BinaryWriter writer, string value)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(value);
        writer.Write((ulong)utf8.Length);
        writer.Write(utf8);
    }

    private static byte[] Bytes(Action<BinaryWriter> write)
    {
        using var stream = new MemoryStream();
        using (var writer = new BinaryWriter(stream, Encoding.UTF8, leaveOpen: true))
        {
            write(writer);
        }

        return stream.ToArray();
    }

    private ulong Align(ulong offset) => (offset + (ulong)Alignment - 1) / (ulong)Alignment * (ulong)Alignment;

    private void Pad(BinaryWriter writer)
    {
        writer.Flush();
        writer.Write(new byte[(int)(Align((ulong)writer.BaseStream.Position) - (ulong)writer.BaseStream.Position)]);
    }
}
