using System.Security.Cryptography;
using NativeSplit.Model.Files.Gguf;

namespace NativeSplit.Model.Tests.Files.Gguf;

public sealed class BoundedReaderTests
{
    [Fact]
    public void CompleteHash_TakesInExactlyWhatWasRead_AcrossBuffers()
    {
        byte[] content = new byte[200_000];
        new Random(5).NextBytes(content);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var reader = new BoundedReader(new MemoryStream(content), "test", hash);
        var random = new Random(6);
        while (reader.Position < 150_000)
        {
            int count = random.Next(1, 9000);
            Assert.Equal(content.AsSpan((int)reader.Position, count).ToArray(), reader.Take(count).ToArray());
        }

        reader.CompleteHash();

        Assert.Equal(SHA256.HashData(content.AsSpan(0, (int)reader.Position)), hash.GetHashAndReset());
    }

    // A file that claims to be huge holds no more directory than the limit, and no text beyond the limit of texts.
    [Fact]
    public void Judge_RefusesWhatTheFileCouldHold_WhenItIsOverTheLimitOfADirectory()
    {
        var reader = new BoundedReader(new HugeStream(), "huge.gguf", hash: null);

        var count = Assert.Throws<ModelException>(() => reader.Judge(1ul << 30, 8, "elements"));
        var text = Assert.Throws<ModelException>(reader.ReadString);

        Assert.Contains($"{BoundedReader.MaximumDirectoryBytes}", count.Message, StringComparison.Ordinal);
        Assert.Contains($"{BoundedReader.MaximumStringBytes}", text.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Take_IsCorrupt_WhenTheFileBecameShorter()
    {
        var reader = new BoundedReader(new HugeStream { IsCut = true }, "cut.gguf", hash: null);

        Assert.Contains("shorter", Assert.Throws<ModelException>(() => reader.Take(4).Length).Message, StringComparison.Ordinal);
    }

    // 1 TiB in which every 8 bytes say 64 MiB.
    private sealed class HugeStream : Stream
    {
        public bool IsCut { get; init; }

        public override bool CanRead => true;

        public override bool CanSeek => true;

        public override bool CanWrite => false;

        public override long Length => 1L << 40;

        public override long Position { get; set; }

        public override int Read(byte[] buffer, int offset, int count)
        {
            if (IsCut)
            {
                return 0;
            }

            buffer.AsSpan(offset, count).Clear();
            for (int index = offset + 3; index < offset + count; index += 8)
            {
                buffer[index] = 4;
            }

            return count;
        }

        public override void Flush() => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
