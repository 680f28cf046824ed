using System.Net;
using NativeSplit.Transport.Frames;
using NativeSplit.Transport.Links;
using NativeSplit.Transport.Tests.Support;

namespace NativeSplit.Transport.Tests;

/// <summary>What every link does, however its bytes travel.</summary>
public abstract class LinkSuite
{
    protected const int Timeout = 60_000;

    private static readonly FrameHeader Sample = new(Epoch: 0x1122334455667788, Batch: 42, Stage: 7, Encoding: 3, Sequences: 2, Rows: 5);

    protected static CancellationToken Token => TestContext.Current.CancellationToken;

    private protected abstract Relay? Between(IPEndPoint listener);

    private protected virtual EndPoint? At() => null;

    private protected virtual LinkOptions Options => new();

    private Task<LinkPair> OpenAsync() =>
        LinkPair.OpenAsync(Options, Between(new IPEndPoint(IPAddress.Loopback, 1)) is null ? null : endpoint => Between(endpoint)!, At());

    [Fact(Timeout = Timeout)]
    public async Task ReceiveAsync_ReturnsTheFrame_WhenThePeerSentIt()
    {
        await using LinkPair pair = await OpenAsync();
        byte[] payload = Pattern(1000, seed: 1);

        await pair.Connector.SendAsync(FrameType.Activations, Sample, payload, Token);
        ReceiveStatus status = await pair.Acceptor.ReceiveAsync(Token);

        Assert.Equal(ReceiveStatus.Frame, status);
        Assert.Equal(FrameType.Activations, pair.Acceptor.Type);
        Assert.Equal(Sample, pair.Acceptor.Header);
        Assert.Equal(payload, pair.Acceptor.Payload.ToArray());
        Assert.Equal(TestAuthority.UriOf("a"), pair.Acceptor.Peer);
        Assert.Equal(TestAuthority.UriOf("b"), pair.Connector.Peer);
    }

    [Theory(Timeout = Timeout)]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(31)]
    [InlineData(32)]
    [InlineData(33)]
    [InlineData(65_536)]
    [InlineData(200_003)]
    public async Task ReceiveAsync_ReturnsThePayloadAligned_WhenItHasAnyLength(int bytes)
    {
        await using LinkPair pair = await OpenAsync();
        byte[] payload = Pattern(bytes, seed: bytes);

        Task sending = SendManyAsync(pair.Acceptor, payload, frames: 3);
        for (int i = 0; i < 3; i++)
        {
            Assert.Equal(ReceiveStatus.Frame, await pair.Connector.ReceiveAsync(Token));
            Assert.True(payload.AsSpan().SequenceEqual(pair.Connector.Payload.Span));
            Assert.Equal(0, AddressOf(pair.Connector.Payload) % FrameLayout.Alignment);
        }

        await sending;
    }

    [Fact(Timeout = Timeout)]
    public async Task SendAsync_KeepsFramesWhole_WhenSendersCompete()
    {
        const int senders = 8;
        const int frames = 40;
        await using LinkPair pair = await OpenAsync();
        Task sending = Task.WhenAll(Enumerable.Range(0, senders).Select(sender => Task.Run(async () =>
        {
            for (uint i = 0; i < frames; i++)
            {
                var header = new FrameHeader((ulong)sender, i, 0, 0, 0, 0);
                await pair.Connector.SendAsync(FrameType.Control, header, Enumerable.Repeat((byte)sender, 777 + (sender * 131)).ToArray(), Token);
            }
        })));

        ulong[] next = new ulong[senders];
        for (int i = 0; i < senders * frames; i++)
        {
            Assert.Equal(ReceiveStatus.Frame, await pair.Acceptor.ReceiveAsync(Token));
            byte sender = (byte)pair.Acceptor.Header.Epoch;
            Assert.Equal(next[sender]++, pair.Acceptor.Header.Batch);
            Assert.Equal(777 + (sender * 131), pair.Acceptor.Payload.Length);
            Assert.False(pair.Acceptor.Payload.Span.ContainsAnyExcept(sender));
        }

        await sending;
    }

    [Fact(Timeout = Timeout)]
    public async Task BothDirections_Flow_WhenUsedAtOnce()
    {
        await using LinkPair pair = await OpenAsync();
        byte[] payload = Pattern(30_000, seed: 3);

        await Task.WhenAll(
            SendManyAsync(pair.Connector, payload, 50),
            SendManyAsync(pair.Acceptor, payload, 50),
            ReceiveManyAsync(pair.Connector, payload, 50),
            ReceiveManyAsync(pair.Acceptor, payload, 50));

        long wire = 50L * FrameLayout.FrameBytes(payload.Length);
        Assert.Equal(new LinkStatistics(50, wire, 50, wire), pair.Connector.Statistics);
        Assert.Equal(new LinkStatistics(50, wire, 50, wire), pair.Acceptor.Statistics);
    }

    [Fact(Timeout = Timeout)]
    public async Task BulkFrames_ComeInOrderAndWhole_WhenBothDirectionsCarryThem()
    {
        const int frames = 30;
        await using LinkPair pair = await OpenAsync();
        byte[] payload = Pattern(LinkOptions.BulkPayloadCeiling, seed: 5);

        Task sending = Task.WhenAll(SendBulkAsync(pair.Connector, payload, frames), SendBulkAsync(pair.Acceptor, payload, frames));

        // Both receive on: the credit of the last frames comes that way.
        Task<ReceiveStatus>[] more = await Task.WhenAll(ReceiveBulkAsync(pair.Connector, payload, frames), ReceiveBulkAsync(pair.Acceptor, payload, frames));
        await sending;
        Assert.All(more, receiving => Assert.False(receiving.IsCompleted));
        await pair.Connector.SendAsync(FrameType.Control, default, default(ReadOnlyMemory<byte>), Token);
        await pair.Acceptor.SendAsync(FrameType.Control, default, default(ReadOnlyMemory<byte>), Token);
        Assert.All(await Task.WhenAll(more), status => Assert.Equal(ReceiveStatus.Frame, status));
    }

    [Fact(Timeout = Timeout)]
    public async Task ProbeAsync_ReturnsARoundTrip_WhenBothEndsReceive()
    {
        await using LinkPair pair = await OpenAsync();
        Task<ReceiveStatus> near = pair.Connector.ReceiveAsync(Token).AsTask();
        Task<ReceiveStatus> far = pair.Acceptor.ReceiveAsync(Token).AsTask();

        TimeSpan first = await pair.Connector.ProbeAsync(Token);
        TimeSpan[] both = await Task.WhenAll(pair.Connector.ProbeAsync(Token).AsTask(), pair.Acceptor.ProbeAsync(Token).AsTask());

        Assert.All([first, .. both], time => Assert.True(time > TimeSpan.Zero));
        Assert.False(near.IsCompleted || far.IsCompleted, "Probes aren't frames of the caller.");
        await pair.Acceptor.SendAsync(FrameType.Control, default, default(ReadOnlyMemory<byte>), Token);
        Assert.Equal(ReceiveStatus.Frame, await near);
        await pair.Connector.DisposeAsync();
        Assert.Equal(ReceiveStatus.Closed, await far);
    }

    [Fact(Timeout = Timeout)]
    public async Task ReceiveAsync_ReturnsClosed_WhenThePeerIsDisposed()
    {
        await using LinkPair pair = await OpenAsync();
        await pair.Connector.SendAsync(FrameType.Control, Sample, Pattern(10, 1), Token);
        await pair.Connector.DisposeAsync();
        await pair.Connector.DisposeAsync();

        Assert.Equal(ReceiveStatus.Frame, await pair.Acceptor.ReceiveAsync(Token));
        Assert.Equal(ReceiveStatus.Closed, await pair.Acceptor.ReceiveAsync(Token));
        Assert.Equal(ReceiveStatus.Closed, await pair.Acceptor.ReceiveAsync(Token));
        Assert.Null(pair.Acceptor.PeerFault);
        LinkException e = await Assert.ThrowsAsync<LinkException>(
            async () => await pair.Acceptor.SendAsync(FrameType.Control, default, Pattern(10, 1), Token));
        Assert.Equal(LinkFault.Closed, e.Fault);
    }

    [Fact(Timeout = Timeout)]
    public async Task ReceiveAsync_ReturnsA64MiBFrame_WhenThatWasAgreed()
    {
        await using LinkPair pair = await OpenAsync();
        byte[] payload = Pattern(64 << 20, seed: 9);

        Task sending = SendManyAsync(pair.Connector, payload, 1);
        await ReceiveManyAsync(pair.Acceptor, payload, 1);
        await sending;
    }

    internal static byte[] Pattern(int bytes, int seed)
    {
        byte[] pattern = new byte[bytes];
        new Random(seed).NextBytes(pattern);
        return pattern;
    }

    internal static async Task SendManyAsync(SealedLink link, byte[] payload, int frames)
    {
        for (int i = 0; i < frames; i++)
        {
            await link.SendAsync(FrameType.Activations, Sample, payload, Token);
        }
    }

    internal static async Task SendBulkAsync(SealedLink link, byte[] payload, int frames)
    {
        for (int i = 0; i < frames; i++)
        {
            await link.SendBulkAsync(Sample with { Batch = (ulong)i }, payload.AsMemory(0, payload.Length - i), Token);
        }
    }

    // Gives the receive that is under way when all frames have come.
    private static async Task<Task<ReceiveStatus>> ReceiveBulkAsync(SealedLink link, byte[] payload, int frames)
    {
        for (int i = 0; i < frames; i++)
        {
            Assert.Equal(ReceiveStatus.Frame, await link.ReceiveAsync(Token));
            Assert.Equal((FrameType.Bulk, (ulong)i), (link.Type, link.Header.Batch));
            Assert.True(payload.AsSpan(0, payload.Length - i).SequenceEqual(link.Payload.Span));
        }

        return link.ReceiveAsync(Token).AsTask();
    }

    private static async Task ReceiveManyAsync(SealedLink link, byte[] payload, int frames)
    {
        for (int i = 0; i < frames; i++)
        {
            Assert.Equal(ReceiveStatus.Frame, await link.ReceiveAsync(Token));
            Assert.True(payload.AsSpan().SequenceEqual(link.Payload.Span));
        }
    }

    private static unsafe nint AddressOf(Memory<byte> memory)
    {
        using System.Buffers.MemoryHandle handle = memory.Pin();
        return (nint)handle.Pointer;
    }
}

/// <summary>Links straight over loopback.</summary>
public sealed class DirectLinkTests : LinkSuite
{
    private protected override Relay? Between(IPEndPoint listener) => null;
}

/// <summary>Links whose bytes arrive in pieces of odd length.</summary>
public sealed class FragmentedLinkTests : LinkSuite
{
    private protected override Relay? Between(IPEndPoint listener) => new(listener, chunkBytes: 1461);
}

/// <summary>Links that look for bytes a while before they wait.</summary>
public sealed class SpinningLinkTests : LinkSuite
{
    private protected override LinkOptions Options => new() { ReceiveSpin = TimeSpan.FromMicroseconds(50) };

    private protected override Relay? Between(IPEndPoint listener) => null;
}
