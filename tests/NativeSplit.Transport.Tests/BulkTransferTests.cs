using System.Buffers.Binary;
using System.Security.Cryptography;
using Microsoft.Extensions.Time.Testing;
using NativeSplit.Testing;
using NativeSplit.Transport.Bulk;
using NativeSplit.Transport.Frames;
using NativeSplit.Transport.Links;
using NativeSplit.Transport.Tests.Support;

namespace NativeSplit.Transport.Tests;

/// <summary>Something large arrives whole and true, over one link or several, or not at all.</summary>
public sealed class BulkTransferTests
{
    private const int Timeout = 60_000;

    private static readonly FrameHeader Header = new(Epoch: 3, Batch: 17, Stage: 0, Encoding: 0, Sequences: 0, Rows: 0);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory(Timeout = Timeout)]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(LinkOptions.BulkPayloadCeiling - BulkPayload.DataOffset)]
    [InlineData(3_333_333)]
    public async Task Transfer_WritesTheFile_WhenAllOfItComes(int bytes)
    {
        using var folder = new TemporaryFolder();
        byte[] content = LinkSuite.Pattern(bytes, seed: bytes);
        await using LinkPair pair = await LinkPair.OpenAsync();
        Task<ReceiveStatus> credit = pair.Connector.ReceiveAsync(Token).AsTask();
        BulkTransfer transfer = await BulkTransfer.DescribeAsync("model/layers.3", new MemoryStream(content), Token);
        Assert.Equal(bytes, transfer.Length);
        Assert.Equal(SHA256.HashData(content), transfer.Sha256.ToArray());

        Task sending = BulkSender.SendAsync(pair.Connector, Header, transfer, new MemoryStream(content), 0, new BulkSendOptions(), Token);
        string path = Path.Combine(folder.Path, "part");
        await using (FileStream target = File.Create(path))
        {
            Assert.Equal(ReceiveStatus.Frame, await pair.Acceptor.ReceiveAsync(Token));
            Assert.True(BulkReceiver.TryReadBegin(pair.Acceptor.Payload.Span, out BulkTransfer? offered, out long position));
            Assert.Equal((transfer, 0L), (offered, position));
            using var receiver = new BulkReceiver(offered, target);
            BulkStatus status = await receiver.AcceptAsync(pair.Acceptor.Payload, Token);
            while (status != BulkStatus.Complete)
            {
                Assert.Equal(ReceiveStatus.Frame, await pair.Acceptor.ReceiveAsync(Token));
                Assert.Equal((FrameType.Bulk, Header), (pair.Acceptor.Type, pair.Acceptor.Header));
                status = await receiver.AcceptAsync(pair.Acceptor.Payload, Token);
            }

            Assert.True(receiver.IsComplete);
        }

        await sending;
        Assert.Equal(content, await File.ReadAllBytesAsync(path, Token));
        Assert.False(credit.IsCompleted);
    }

    [Theory(Timeout = Timeout)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Transfer_GoesOnOverANewLink_WhenLinksBreak(bool newProcess)
    {
        byte[] content = LinkSuite.Pattern(2_000_000, seed: 4);
        BulkTransfer transfer = await BulkTransfer.DescribeAsync("kv", new MemoryStream(content), Token);
        using var target = new MemoryStream();
        target.Write(new byte[100]);
        var receiver = new BulkReceiver(transfer, target);
        int links = 0;
        for (; !receiver.IsComplete; links++)
        {
            if (newProcess)
            {
                long received = receiver.Received;
                receiver.Dispose();
                target.Position = 100;
                receiver = await BulkReceiver.ResumeAsync(transfer, target, received, Token);
                Assert.Equal(received, receiver.Received);
            }

            await using LinkPair pair = await LinkPair.OpenAsync();
            Task<ReceiveStatus> credit = pair.Connector.ReceiveAsync(Token).AsTask();
            using var source = new MemoryStream(content) { Position = receiver.Received };
            Task sending = BulkSender.SendAsync(pair.Connector, Header, transfer, source, receiver.Received, new BulkSendOptions(), Token);

            // A begin and two pieces, then the link breaks.
            for (int i = 0; i < 3 && !receiver.IsComplete; i++)
            {
                await pair.Acceptor.ReceiveAsync(Token);
                await receiver.AcceptAsync(pair.Acceptor.Payload, Token);
            }

            await pair.Acceptor.DisposeAsync();
            Exception? end = await Record.ExceptionAsync(() => sending);
            Assert.True(end is null or LinkException { Fault: LinkFault.Closed }, end?.ToString());
            Assert.Equal(ReceiveStatus.Closed, await credit);
        }

        receiver.Dispose();
        Assert.Equal(4, links);
        Assert.Equal(content, target.ToArray()[100..]);
    }

    [Fact(Timeout = Timeout)]
    public async Task AcceptAsync_SaysContentMismatch_WhenTheHashIsAnother_AndTakesItAgainFromTheStart()
    {
        byte[] content = LinkSuite.Pattern(10_000, seed: 4);
        BulkTransfer transfer = await BulkTransfer.DescribeAsync("kv", new MemoryStream(content), Token);
        byte[] wrong = [.. content];
        wrong[7777] ^= 1;
        using var target = new MemoryStream();
        using var receiver = new BulkReceiver(transfer, target);
        await receiver.AcceptAsync(BulkPayload.Begin(transfer, 0), Token);
        await receiver.AcceptAsync(Data(0, wrong[..5000]), Token);
        LinkException e = await Assert.ThrowsAsync<LinkException>(async () => await receiver.AcceptAsync(Data(5000, wrong[5000..]), Token));
        Assert.Equal((LinkFault.ContentMismatch, 0L, false), (e.Fault, receiver.Received, receiver.IsComplete));

        await receiver.AcceptAsync(BulkPayload.Begin(transfer, 0), Token);
        Assert.Equal(BulkStatus.Complete, await receiver.AcceptAsync(Data(0, content), Token));
        Assert.Equal(content, target.ToArray());
    }

    [Fact(Timeout = Timeout)]
    public async Task AcceptAsync_SaysMalformed_WhenAFrameIsNotTheNext()
    {
        byte[] content = LinkSuite.Pattern(1000, seed: 4);
        BulkTransfer transfer = await BulkTransfer.DescribeAsync("kv", new MemoryStream(content), Token);
        using var target = new MemoryStream();
        using var receiver = new BulkReceiver(transfer, target);
        await receiver.AcceptAsync(BulkPayload.Begin(transfer, 0), Token);
        await receiver.AcceptAsync(Data(0, content[..400]), Token);
        byte[] reserved = Data(400, content[400..]);
        reserved[BulkPayload.NameCharactersOffset] = 1;
        byte[][] bad =
        [
            [], new byte[BulkPayload.DataOffset], Data(400, []), Data(0, content[..400]), Data(401, content[401..]), Data(400, new byte[601]), Data(-1, content[400..]),
            reserved, BulkPayload.Begin(transfer, 300), BulkPayload.Begin(transfer, 1000),
            BulkPayload.Begin(new BulkTransfer("other", transfer.Length, transfer.Sha256.Span), 400),
            BulkPayload.Begin(new BulkTransfer("kv", transfer.Length + 1, transfer.Sha256.Span), 400),
            BulkPayload.Begin(new BulkTransfer("kv", transfer.Length, new byte[32]), 400),
        ];
        foreach (byte[] payload in bad)
        {
            LinkException e = await Assert.ThrowsAsync<LinkException>(async () => await receiver.AcceptAsync(payload, Token));
            Assert.Equal(LinkFault.Malformed, e.Fault);
        }

        await receiver.AcceptAsync(BulkPayload.Begin(transfer, 400), Token);
        Assert.Equal(BulkStatus.Complete, await receiver.AcceptAsync(Data(400, content[400..]), Token));
        Assert.Equal(content, target.ToArray());
    }

    [Fact]
    public void TryReadBegin_SaysNoAndAllocatesNothing_WhenThePayloadIsBad()
    {
        var transfer = new BulkTransfer("name", 1000, new byte[32]);
        byte[] good = BulkPayload.Begin(transfer, 5);
        List<byte[]> bad = [.. Enumerable.Range(0, good.Length).Select(length => good[..length]), [.. good, 65], new byte[LinkOptions.BulkPayloadCeiling]];
        foreach (ulong length in (ulong[])[4, (1UL << 50) + 1, 1UL << 63, ulong.MaxValue])
        {
            byte[] absurd = [.. good];
            BinaryPrimitives.WriteUInt64LittleEndian(absurd.AsSpan(BulkPayload.LengthOffset), length);
            bad.Add(absurd);
        }

        foreach (byte character in (byte[])[0, 32, 127, 200])
        {
            byte[] name = [.. good];
            name[^1] = character;
            bad.Add(name);
        }

        Assert.True(BulkReceiver.TryReadBegin(good, out BulkTransfer? read, out long position));
        Assert.Equal((transfer, 5L), (read, position));
        long before = GC.GetAllocatedBytesForCurrentThread();
        int taken = 0;
        foreach (byte[] payload in bad)
        {
            taken += BulkReceiver.TryReadBegin(payload, out _, out _) ? 1 : 0;
        }

        Assert.Equal((0, 0L), (taken, GC.GetAllocatedBytesForCurrentThread() - before));
    }

    [Fact]
    public void BulkTransfer_Refuses_WhenItMakesNoSense()
    {
        byte[] hash = new byte[32];
        foreach (string name in (string[])["", "a b", "ä", "a\n", new string('x', 256)])
        {
            Assert.ThrowsAny<ArgumentException>(() => new BulkTransfer(name, 1, hash));
        }

        Assert.ThrowsAny<ArgumentException>(() => new BulkTransfer("a", -1, hash));
        Assert.ThrowsAny<ArgumentException>(() => new BulkTransfer("a", BulkTransfer.MaxLength + 1, hash));
        Assert.ThrowsAny<ArgumentException>(() => new BulkTransfer("a", 1, new byte[31]));
    }

    [Fact(Timeout = Timeout)]
    public async Task SendAsync_KeepsToItsRate_WhenOneIsSet()
    {
        const int pieces = 5;
        int piece = LinkOptions.BulkPayloadCeiling - BulkPayload.DataOffset;
        var time = new FakeTimeProvider();
        byte[] content = new byte[pieces * piece];
        await using LinkPair pair = await LinkPair.OpenAsync();
        Task<ReceiveStatus> credit = pair.Connector.ReceiveAsync(Token).AsTask();
        BulkTransfer transfer = await BulkTransfer.DescribeAsync("weights", new MemoryStream(content), Token);
        Task sending = BulkSender.SendAsync(
            pair.Connector, Header, transfer, new MemoryStream(content), 0, new BulkSendOptions { BytesPerSecond = piece, Time = time }, Token);
        for (int sent = 0; sent < pieces; sent++)
        {
            if (sent == 0)
            {
                await pair.Acceptor.ReceiveAsync(Token);
            }

            // Of its second only: the next piece doesn't come while the clock stands.
            await pair.Acceptor.ReceiveAsync(Token);
            Assert.Equal(sent + 2, pair.Connector.Statistics.FramesSent);
            Assert.True(sent == pieces - 1 || !sending.IsCompleted);
            time.Advance(TimeSpan.FromSeconds(1));
        }

        await sending;
        Assert.False(credit.IsCompleted);
    }

    [Fact(Timeout = Timeout)]
    public async Task SendAsync_SaysSo_WhenTheSourceEndsEarly()
    {
        await using LinkPair pair = await LinkPair.OpenAsync();
        var transfer = new BulkTransfer("short", 100, new byte[32]);
        await Assert.ThrowsAsync<EndOfStreamException>(
            () => BulkSender.SendAsync(pair.Connector, Header, transfer, new MemoryStream(new byte[99]), 0, new BulkSendOptions(), Token));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(
            () => BulkSender.SendAsync(pair.Connector, Header, transfer, new MemoryStream(), 101, new BulkSendOptions(), Token));
    }

    private static byte[] Data(long position, byte[] data)
    {
        byte[] payload = new byte[BulkPayload.DataOffset + data.Length];
        BinaryPrimitives.WriteUInt32LittleEndian(payload, BulkPayload.DataMagic);
        BinaryPrimitives.WriteInt64LittleEndian(payload.AsSpan(BulkPayload.PositionOffset), position);
        data.CopyTo(payload, BulkPayload.DataOffset);
        return payload;
    }
}
