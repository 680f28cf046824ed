using NativeSplit.Cluster.Links;
using NativeSplit.Model;

namespace NativeSplit.Cluster.Migration;

/// <summary>Takes the KV pages of sequences: over a link, or here.</summary>
public interface IKvSink
{
    /// <summary>Takes a part of a page; the bytes are lent until the task ends.</summary>
    ValueTask PieceAsync(KvTarget target, int layer, int page, int offset, ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken);

    /// <summary>Is told that some layers are whole up to a length.</summary>
    ValueTask EndAsync(KvTarget target, LayerRange layers, int length, CancellationToken cancellationToken);
}

/// <summary>Sends pages over a link, behind whatever else it carries.</summary>
/// <param name="link">The link; lent.</param>
public sealed class LinkKvSink(PeerConnection link) : IKvSink
{
    /// <inheritdoc/>
    public ValueTask PieceAsync(KvTarget target, int layer, int page, int offset, ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken) =>
        link.SendBulkAsync(KvPayload.PieceHeader(target, layer, page), new KvPayload.PieceWriter(offset, bytes), cancellationToken);

    /// <inheritdoc/>
    public ValueTask EndAsync(KvTarget target, LayerRange layers, int length, CancellationToken cancellationToken) =>
        link.SendBulkAsync(KvPayload.EndHeader(target, layers), new KvPayload.EndWriter(length), cancellationToken);
}
