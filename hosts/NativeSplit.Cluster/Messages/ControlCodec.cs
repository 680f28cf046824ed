using System.Text.Json;
using System.Text.Json.Serialization;

namespace NativeSplit.Cluster.Messages;

/// <summary>Control messages to bytes and back.</summary>
public static class ControlCodec
{
    /// <summary>Longest message accepted; the longest real one has a few hundred bytes.</summary>
    public const int MaxBytes = 64 << 10;

    /// <summary>Writes a message as UTF-8 JSON.</summary>
    public static byte[] Encode(ControlMessage message) => JsonSerializer.SerializeToUtf8Bytes(message, ControlJsonContext.Default.ControlMessage);

    /// <summary>Reads a message.</summary>
    /// <exception cref="ClusterException"><see cref="ClusterFault.Protocol"/>: it isn't one.</exception>
    public static ControlMessage Decode(ReadOnlySpan<byte> payload)
    {
        if (payload.Length > MaxBytes)
        {
            throw new ClusterException(ClusterFault.Protocol, $"A control message of {payload.Length} bytes is longer than {MaxBytes}.");
        }

        try
        {
            return JsonSerializer.Deserialize(payload, ControlJsonContext.Default.ControlMessage)
                ?? throw new ClusterException(ClusterFault.Protocol, "A control message is null.");
        }
        catch (Exception e) when (e is JsonException or NotSupportedException)
        {
            throw new ClusterException(ClusterFault.Protocol, $"A control message can't be read: {e.Message}", e);
        }
    }
}

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, RespectNullableAnnotations = true, AllowOutOfOrderMetadataProperties = false)]
[JsonSerializable(typeof(ControlMessage))]
internal sealed partial class ControlJsonContext : JsonSerializerContext;
