using System.Buffers.Binary;
using System.Security.Cryptography;
using NativeSplit.Cluster.Weights;

namespace NativeSplit.Cluster.Tests.Weights;

/// <summary>Sealed partitions open to what was sealed, or not at all.</summary>
public sealed class PartitionFormatTests
{
    private const int Chunk = 64;
    private static readonly byte[] Key = [.. Enumerable.Range(1, 32).Select(value => (byte)value)];

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(Chunk - 1)]
    [InlineData(Chunk)]
    [InlineData(Chunk + 1)]
    [InlineData((3 * Chunk) - 1)]
    [InlineData(3 * Chunk)]
    public void OpeningStream_GivesWhatWasSealed(int length)
    {
        byte[] plain = Plain(length);
        (byte[] bytes, ManifestPartition entry) = Seal(plain);
        Assert.Equal(entry.SealedBytes, bytes.Length);
        Assert.Equal(plain, Open(bytes, entry));
    }

    [Fact]
    public void Chunks_AreAesGcmUnderTheNonceAndDataOfTheDocument()
    {
        // Laid out here by hand from docs/security.md, without the format's own code.
        byte[] plain = Plain(Chunk + 10);
        (byte[] bytes, _) = Seal(plain);
        byte[] header = [.. "NSWP"u8, 1, 0, 0, 0, Chunk, 0, 0, 0, 0, 0, 0, 0, Chunk + 10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        Assert.Equal(header, bytes[..32]);
        using var gcm = new AesGcm(Key, 16);
        byte[] first = new byte[Chunk];
        gcm.Decrypt([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], bytes.AsSpan(32, Chunk), bytes.AsSpan(32 + Chunk, 16), first, header);
        byte[] last = new byte[10];
        gcm.Decrypt([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1], bytes.AsSpan(48 + Chunk, 10), bytes.AsSpan(58 + Chunk, 16), last, header);
        Assert.Equal(plain, (byte[])[.. first, .. last]);
    }

    [Fact]
    public void OpeningStream_Throws_ForEveryFlippedBit()
    {
        (byte[] bytes, ManifestPartition entry) = Seal(Plain((2 * Chunk) + 5));
        for (int bit = 0; bit < bytes.Length * 8; bit++)
        {
            byte[] changed = [.. bytes];
            changed[bit / 8] ^= (byte)(1 << (bit % 8));
            Refuses(changed, entry);
        }
    }

    [Fact]
    public void OpeningStream_Throws_ForEveryLengthButTheRightOne()
    {
        (byte[] bytes, ManifestPartition entry) = Seal(Plain((2 * Chunk) + 5));
        for (int length = 0; length < bytes.Length; length++)
        {
            Refuses(bytes[..length], entry);
        }

        Refuses([.. bytes, 0], entry);
    }

    [Fact]
    public void OpeningStream_Throws_WhenChunksAreSwappedRepeatedOrDropped_AlsoIfTheManifestAgrees()
    {
        (byte[] bytes, ManifestPartition entry) = Seal(Plain(3 * Chunk));
        byte[] header = bytes[..32];
        byte[][] chunks = [.. Enumerable.Range(0, 3).Select(i => bytes[(32 + (i * (Chunk + 16)))..(32 + ((i + 1) * (Chunk + 16)))])];
        Refuses([.. header, .. chunks[1], .. chunks[0], .. chunks[2]], entry);
        Refuses([.. header, .. chunks[0], .. chunks[0], .. chunks[2]], entry);

        // Cut at a chunk, with a header and a manifest that fit: the chunk that is now last wasn't sealed as the last.
        byte[] shorter = [.. header];
        BinaryPrimitives.WriteInt64LittleEndian(shorter.AsSpan(16), 2 * Chunk);
        Refuses([.. shorter, .. chunks[0], .. chunks[1]], entry with { PlainBytes = 2 * Chunk, SealedBytes = 32 + (2 * (Chunk + 16)) });
    }

    [Fact]
    public void OpeningStream_Throws_WhenOtherBytesAreSealedWithTheRightKey()
    {
        byte[] plain = Plain(2 * Chunk);
        (_, ManifestPartition entry) = Seal(plain);
        plain[7] ^= 1;
        (byte[] forged, _) = Seal(plain);
        ClusterException e = Refuses(forged, entry);
        Assert.Contains("isn't what the manifest lists", e.Message);
    }

    [Fact]
    public void OpeningStream_NamesTheChunk_AndGivesOutNothingOfIt()
    {
        (byte[] bytes, ManifestPartition entry) = Seal(Plain(3 * Chunk));
        bytes[32 + (Chunk + 16) + 3] ^= 1;
        using var stream = new OpeningStream(new MemoryStream(bytes), Key, entry, "layer-5");
        byte[] buffer = new byte[Chunk];
        stream.ReadExactly(buffer);
        ClusterException e = Assert.Throws<ClusterException>(() => stream.ReadExactly(buffer));
        Assert.Equal(Plain(3 * Chunk)[..Chunk], buffer);
        Assert.Contains("layer-5", e.Message);
        Assert.Contains("chunk 1", e.Message);
    }

    [Fact]
    public void OpeningStream_Throws_WhenTheKeyIsAnothers()
    {
        (byte[] bytes, ManifestPartition entry) = Seal(Plain(10));
        using var stream = new OpeningStream(new MemoryStream(bytes), new byte[32], entry, "x");
        Assert.Throws<ClusterException>(() => stream.ReadByte());
    }

    [Fact]
    public void Finish_Throws_WhenMoreOrLessCameThanWasSaid()
    {
        using var sealing = new SealingStream(Stream.Null, Key, 10, Chunk);
        sealing.Write(new byte[9]);
        Assert.Throws<InvalidOperationException>(sealing.Finish);
    }

    [Fact]
    public void Streams_TakeMemoryForOneChunk_HoweverLongThePartition()
    {
        const int Length = 48 * PartitionFormat.ChunkBytes;
        byte[] piece = new byte[1 << 16];
        using var sealedBytes = new MemoryStream(new byte[PartitionFormat.SealedBytes(Length, PartitionFormat.ChunkBytes)]);
        using var hash = new HashingStream();
        long before = GC.GetAllocatedBytesForCurrentThread();
        string blob;
        using (var sealing = new SealingStream(sealedBytes, Key, Length))
        {
            for (int done = 0; done < Length; done += piece.Length)
            {
                sealing.Write(piece);
                hash.Write(piece);
            }

            blob = sealing.Finish();
        }

        sealedBytes.Position = 0;
        var entry = new ManifestPartition(hash.Finish(), Length, blob, sealedBytes.Length, PartitionFormat.ChunkBytes);
        using (var opening = new OpeningStream(sealedBytes, Key, entry, "x"))
        {
            while (opening.Read(piece) > 0)
            {
            }
        }

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 1, 3 * PartitionFormat.ChunkBytes);
    }

    private static byte[] Plain(int length)
    {
        byte[] plain = new byte[length];
        new Random(length).NextBytes(plain);
        return plain;
    }

    private static (byte[] Bytes, ManifestPartition Entry) Seal(byte[] plain)
    {
        var stream = new MemoryStream();
        using var sealing = new SealingStream(stream, Key, plain.Length, Chunk);

        // In odd pieces: where a write ends must not matter.
        for (int start = 0; start < plain.Length; start += 7)
        {
            sealing.Write(plain.AsSpan(start, Math.Min(7, plain.Length - start)));
        }

        string hash = sealing.Finish();
        byte[] bytes = stream.ToArray();
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(bytes)), hash);
        return (bytes, new ManifestPartition(Convert.ToHexStringLower(SHA256.HashData(plain)), plain.Length, hash, PartitionFormat.SealedBytes(plain.Length, Chunk), Chunk));
    }

    private static byte[] Open(byte[] bytes, ManifestPartition entry)
    {
        using var stream = new OpeningStream(new MemoryStream(bytes), Key, entry, "x");
        var plain = new MemoryStream();
        stream.CopyTo(plain);
        return plain.ToArray();
    }

    private static ClusterException Refuses(byte[] bytes, ManifestPartition entry)
    {
        ClusterException e = Assert.Throws<ClusterException>(() => Open(bytes, entry));
        Assert.Equal(ClusterFault.BadRegistry, e.Fault);
        return e;
    }
}
