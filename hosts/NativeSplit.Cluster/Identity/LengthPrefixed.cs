using System.Buffers.Binary;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace NativeSplit.Cluster.Identity;

/// <summary>JSON documents on a stream, each behind its length as 4 bytes little-endian.</summary>
internal static class LengthPrefixed
{
    /// <summary>Longest document accepted.</summary>
    public const int MaxBytes = 16 << 10;

    public static async Task WriteAsync<T>(Stream stream, T document, JsonTypeInfo<T> type, CancellationToken cancellationToken)
    {
        byte[] body = JsonSerializer.SerializeToUtf8Bytes(document, type);
        byte[] message = new byte[4 + body.Length];
        BinaryPrimitives.WriteInt32LittleEndian(message, body.Length);
        body.CopyTo(message, 4);
        await stream.WriteAsync(message, cancellationToken).ConfigureAwait(false);
        await stream.FlushAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <exception cref="ClusterException">The length is absurd, the stream ends early, or it isn't the document.</exception>
    public static async Task<T> ReadAsync<T>(Stream stream, JsonTypeInfo<T> type, CancellationToken cancellationToken)
        where T : class
    {
        try
        {
            byte[] prefix = new byte[4];
            await stream.ReadExactlyAsync(prefix, cancellationToken).ConfigureAwait(false);
            int length = BinaryPrimitives.ReadInt32LittleEndian(prefix);
            if (length is <= 0 or > MaxBytes)
            {
                throw new ClusterException(ClusterFault.Protocol, $"The peer announced a message of {length} bytes; at most {MaxBytes} are accepted.");
            }

            byte[] body = new byte[length];
            await stream.ReadExactlyAsync(body, cancellationToken).ConfigureAwait(false);
            return JsonSerializer.Deserialize(body, type) ?? throw new JsonException("The document is null.");
        }
        catch (Exception e) when (e is EndOfStreamException or JsonException)
        {
            throw new ClusterException(ClusterFault.Protocol, $"The peer's message can't be read: {e.Message}", e);
        }
    }
}
