using System.Security.Cryptography;

namespace NativeSplit.Cluster.Weights;

/// <summary>Takes the plaintext of one partition and writes it sealed. Holds one chunk.</summary>
internal sealed class SealingStream : WriteOnlyStream
{
    private readonly Stream _destination;
    private readonly AesGcm _key;
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly byte[] _header;
    private readonly byte[] _chunk;
    private readonly int _chunkBytes;
    private readonly long _plainBytes;
    private long _taken;
    private long _number;
    private int _held;

    /// <summary>Writes the header.</summary>
    /// <param name="destination">Takes the sealed bytes; lent.</param>
    /// <param name="key">Key of this partition alone. Shape [32].</param>
    /// <param name="plainBytes">Bytes that will come.</param>
    /// <param name="chunkBytes">Plaintext of a chunk.</param>
    public SealingStream(Stream destination, ReadOnlySpan<byte> key, long plainBytes, int chunkBytes = PartitionFormat.ChunkBytes)
    {
        _destination = destination;
        _header = PartitionFormat.Header(plainBytes, chunkBytes);
        _key = new AesGcm(key, PartitionFormat.TagBytes);
        _chunk = new byte[chunkBytes + PartitionFormat.TagBytes];
        (_plainBytes, _chunkBytes) = (plainBytes, chunkBytes);
        Put(_header);
    }

    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        _taken += buffer.Length;
        while (buffer.Length > 0)
        {
            if (_held == _chunkBytes)
            {
                PutChunk(isLast: false);
            }

            int count = Math.Min(buffer.Length, _chunkBytes - _held);
            buffer[..count].CopyTo(_chunk.AsSpan(_held));
            _held += count;
            buffer = buffer[count..];
        }
    }

    /// <summary>Seals the last chunk.</summary>
    /// <returns>SHA-256 of all that was written, hexadecimal.</returns>
    /// <exception cref="InvalidOperationException">Another number of bytes came than was said.</exception>
    public string Finish()
    {
        if (_taken != _plainBytes)
        {
            throw new InvalidOperationException($"A partition of {_plainBytes} bytes was sealed with {_taken}.");
        }

        PutChunk(isLast: true);
        return Convert.ToHexStringLower(_hash.GetHashAndReset());
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        _key.Dispose();
        _hash.Dispose();
        CryptographicOperations.ZeroMemory(_chunk);
        base.Dispose(disposing);
    }

    private void PutChunk(bool isLast)
    {
        Span<byte> chunk = _chunk.AsSpan(0, _held + PartitionFormat.TagBytes);
        PartitionFormat.Seal(_key, _header, _number++, isLast, chunk);
        Put(chunk);
        _held = 0;
    }

    private void Put(ReadOnlySpan<byte> bytes)
    {
        _hash.AppendData(bytes);
        _destination.Write(bytes);
    }
}
