using System.Security.Cryptography;

namespace NativeSplit.Cluster.Weights;

/// <summary>
/// Gives the plaintext of a sealed partition. A chunk is given out after its tag was checked, and the end only after the hash of everything was:
/// a stream that was read to its end has vouched for every byte. Holds one chunk.
/// </summary>
internal sealed class OpeningStream : Stream
{
    private readonly Stream _source;
    private readonly AesGcm _key;
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly ManifestPartition _partition;
    private readonly string _where;
    private readonly byte[] _header;
    private readonly byte[] _chunk;
    private long _left;
    private long _number;
    private int _next;
    private int _held;
    private bool _done;

    /// <summary>Checks the length and the header.</summary>
    /// <param name="source">The sealed bytes; owned from here.</param>
    /// <param name="key">Key of the partition. Shape [32].</param>
    /// <param name="partition">What the manifest says of it.</param>
    /// <param name="where">Registry and partition, for messages.</param>
    /// <exception cref="ClusterException"><see cref="ClusterFault.BadRegistry"/>: it has another length or header.</exception>
    public OpeningStream(Stream source, ReadOnlySpan<byte> key, ManifestPartition partition, string where)
    {
        (_source, _partition, _where) = (source, partition, where);
        _key = new AesGcm(key, PartitionFormat.TagBytes);
        _chunk = new byte[(int)Math.Min(partition.ChunkBytes, partition.PlainBytes) + PartitionFormat.TagBytes];
        _header = PartitionFormat.Header(partition.PlainBytes, partition.ChunkBytes);
        _left = partition.PlainBytes;
        try
        {
            if (source.Length != partition.SealedBytes)
            {
                throw Damaged($"has {source.Length} bytes instead of {partition.SealedBytes}");
            }

            byte[] header = new byte[PartitionFormat.HeaderBytes];
            source.ReadExactly(header);
            if (!header.AsSpan().SequenceEqual(_header))
            {
                throw Damaged("has another header than its manifest says");
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public override bool CanRead => true;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanWrite => false;

    /// <inheritdoc/>
    public override long Length => _partition.PlainBytes;

    /// <inheritdoc/>
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    /// <inheritdoc/>
    /// <exception cref="ClusterException"><see cref="ClusterFault.BadRegistry"/>: a chunk, or all of it, isn't what was sealed.</exception>
    public override int Read(Span<byte> buffer)
    {
        if (_next == _held && !_done)
        {
            TakeChunk();
        }

        int count = Math.Min(buffer.Length, _held - _next);
        _chunk.AsSpan(_next, count).CopyTo(buffer);
        _next += count;
        return count;
    }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    /// <inheritdoc/>
    public override void Flush()
    {
    }

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        _key.Dispose();
        _hash.Dispose();
        _source.Dispose();
        CryptographicOperations.ZeroMemory(_chunk);
        base.Dispose(disposing);
    }

    private void TakeChunk()
    {
        int text = (int)Math.Min(_partition.ChunkBytes, _left);
        bool isLast = _left == text;
        long first = _number * _partition.ChunkBytes;
        Span<byte> chunk = _chunk.AsSpan(0, text + PartitionFormat.TagBytes);
        try
        {
            _source.ReadExactly(chunk);
        }
        catch (Exception e) when (e is IOException)
        {
            throw Damaged($"can't be read in chunk {_number}: {e.Message}", e);
        }

        if (!PartitionFormat.TryOpen(_key, _header, _number, isLast, chunk))
        {
            throw Damaged($"was altered or damaged in chunk {_number} (bytes {first} to {first + text}), or the key is another's");
        }

        _hash.AppendData(chunk[..text]);
        (_next, _held, _left, _number) = (0, text, _left - text, _number + 1);
        _done = isLast;
        if (isLast && Convert.ToHexStringLower(_hash.GetHashAndReset()) != _partition.PlainHash)
        {
            // Whoever holds the key can seal other bytes with it; the manifest's signature is the authority's.
            _held = 0;
            throw Damaged("is sealed with the right key, and yet isn't what the manifest lists");
        }
    }

    private ClusterException Damaged(string what, Exception? inner = null) =>
        new(ClusterFault.BadRegistry, $"{_where} {what}. Push the model again, or put {_partition.Blob} back from a copy.", inner);
}
