using NativeSplit.Transport.Bulk;
using NativeSplit.Transport.Links;
using NativeSplit.Transport.Tests.Support;

namespace NativeSplit.Transport.Tests;

/// <summary>A transfer is never in memory whole, at neither end.</summary>
[Collection(typeof(AloneCollection))]
public sealed class BulkMemoryTests
{
    private const long Length = 128 << 20;
    private const long Ceiling = 4 << 20;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 120_000)]
    public async Task Transfer_AllocatesAFewPieces_HoweverLongItIs()
    {
        await using LinkPair pair = await LinkPair.OpenAsync();
        Task<ReceiveStatus> credit = pair.Connector.ReceiveAsync(Token).AsTask();
        BulkTransfer transfer = await BulkTransfer.DescribeAsync("weights", new Zeros(), Token);
        Assert.Equal(Length, transfer.Length);
        long before = GC.GetTotalAllocatedBytes(precise: true);
        using var receiver = new BulkReceiver(transfer, new Zeros());
        Task sending = BulkSender.SendAsync(pair.Connector, default, transfer, new Zeros(), 0, new BulkSendOptions(), Token);
        while (!receiver.IsComplete)
        {
            await pair.Acceptor.ReceiveAsync(Token);
            await receiver.AcceptAsync(pair.Acceptor.Payload, Token);
        }

        await sending;
        long allocated = GC.GetTotalAllocatedBytes(precise: true) - before;
        Assert.True(allocated < Ceiling, $"{allocated} bytes for a transfer of {Length}");
        Assert.False(credit.IsCompleted);
    }

    /// <summary>A long stream of zeros that takes any bytes.</summary>
    private sealed class Zeros : Stream
    {
        public override bool CanRead => true;

        public override bool CanSeek => true;

        public override bool CanWrite => true;

        public override long Length => BulkMemoryTests.Length;

        public override long Position { get; set; }

        public override void Flush()
        {
        }

        public override int Read(byte[] buffer, int offset, int count)
        {
            int read = (int)Math.Min(count, Length - Position);
            buffer.AsSpan(offset, read).Clear();
            Position += read;
            return read;
        }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            int read = (int)Math.Min(buffer.Length, Length - Position);
            buffer.Span[..read].Clear();
            Position += read;
            return new ValueTask<int>(read);
        }

        public override long Seek(long offset, SeekOrigin origin) => Position = offset;

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => Position += count;

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            Position += buffer.Length;
            return ValueTask.CompletedTask;
        }
    }
}
