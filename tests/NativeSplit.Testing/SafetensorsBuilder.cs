using System.Text;
using System.Text.Json;

namespace NativeSplit.Testing;

/// <summary>Writes small safetensors files, right ones and, by <see cref="Wrap"/>, wrong ones. Shares no code with the reader.</summary>
public sealed class SafetensorsBuilder
{
    private readonly List<string> _entries = [];
    private readonly List<byte> _data = [];

    /// <summary>A file of any header and data.</summary>
    /// <param name="header">The JSON.</param>
    /// <param name="data">What follows.</param>
    /// <param name="length">Length before the header, when it shall be a lie.</param>
    public static byte[] Wrap(string header, byte[] data, ulong? length = null)
    {
        byte[] json = Encoding.UTF8.GetBytes(header);
        return [.. BitConverter.GetBytes(length ?? (ulong)json.Length), .. json, .. data];
    }

    /// <summary>Adds a tensor behind the last one.</summary>
    public SafetensorsBuilder Add(string name, string type, long[] shape, byte[] data)
    {
        int start = _data.Count;
        _data.AddRange(data);
        _entries.Add($"{JsonSerializer.Serialize(name)}:{{\"dtype\":\"{type}\",\"shape\":[{string.Join(',', shape)}],\"data_offsets\":[{start},{_data.Count}]}}");
        return this;
    }

    /// <summary>Adds a tensor of F32 zeros.</summary>
    public SafetensorsBuilder AddZeros(string name, params long[] shape) =>
        Add(name, "F32", shape, new byte[4 * shape.Aggregate(1L, (product, extent) => product * extent)]);

    /// <summary>The whole file.</summary>
    public byte[] Build() => Wrap($"{{\"__metadata__\":{{\"format\":\"pt\"}}{string.Concat(_entries.Select(entry => "," + entry))}}}", [.. _data]);
}
