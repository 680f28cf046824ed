using NativeSplit.Transport.Frames;
using NativeSplit.Transport.Links;
using NativeSplit.Transport.Tests.Support;

namespace NativeSplit.Transport.Tests;

/// <summary>Back-pressure, cancellation, and the caller's mistakes.</summary>
public sealed class LinkFlowTests
{
    private const int Timeout = 60_000;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = Timeout)]
    public async Task SendAsync_Waits_WhenThePeerDoesNotRead()
    {
        const int frames = 200;
        await using LinkPair pair = await LinkPair.OpenAsync();
        byte[] payload = new byte[1 << 20];
        Task sending = LinkSuite.SendManyAsync(pair.Connector, payload, frames);

        // Nobody reads: 200 MiB don't fit into any socket buffer, however long we wait.
        await Task.WhenAny(sending, Task.Delay(300, Token));
        Assert.False(sending.IsCompleted);
        for (int i = 0; i < frames; i++)
        {
            Assert.Equal(ReceiveStatus.Frame, await pair.Acceptor.ReceiveAsync(Token));
            long between = pair.Connector.Statistics.BytesSent - pair.Acceptor.Statistics.BytesReceived;
            Assert.InRange(between, 0, 64 << 20);
        }

        await sending;
    }

    [Fact(Timeout = Timeout)]
    public async Task SendAsync_SendsNothing_WhenCancelledBefore()
    {
        await using LinkPair pair = await LinkPair.OpenAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            async () => await pair.Connector.SendAsync(FrameType.Control, default, new byte[10], new CancellationToken(canceled: true)));
        Assert.Equal(0, pair.Connector.Statistics.FramesSent);

        await pair.Connector.SendAsync(FrameType.Control, default, new byte[] { 5 }, Token);
        await pair.Acceptor.ReceiveAsync(Token);
        Assert.Equal([5], pair.Acceptor.Payload.ToArray());
    }

    [Fact(Timeout = Timeout)]
    public async Task SendAsync_SendsNothing_WhenCancelledBehindAnotherSender()
    {
        await using LinkPair pair = await LinkPair.OpenAsync();
        Task first = LinkSuite.SendManyAsync(pair.Connector, new byte[32 << 20], 1);
        Assert.False(first.IsCompleted);
        using var cancel = new CancellationTokenSource();
        Task second = pair.Connector.SendAsync(FrameType.Control, default, new byte[] { 1 }, cancel.Token).AsTask();
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => second);

        Task third = pair.Connector.SendAsync(FrameType.Control, default, new byte[] { 2 }, Token).AsTask();
        await pair.Acceptor.ReceiveAsync(Token);
        Assert.Equal(32 << 20, pair.Acceptor.Payload.Length);
        await pair.Acceptor.ReceiveAsync(Token);
        Assert.Equal([2], pair.Acceptor.Payload.ToArray());
        await Task.WhenAll(first, third);
    }

    [Fact(Timeout = Timeout)]
    public async Task SendAsync_FinishesTheFrame_WhenCancelledAfterTheCommitPoint()
    {
        await using LinkPair pair = await LinkPair.OpenAsync();
        byte[] payload = LinkSuite.Pattern(32 << 20, seed: 4);
        using var cancel = new CancellationTokenSource();
        Task sending = pair.Connector.SendAsync(FrameType.Control, default, payload, cancel.Token).AsTask();
        Assert.False(sending.IsCompleted);
        await cancel.CancelAsync();

        Assert.Equal(ReceiveStatus.Frame, await pair.Acceptor.ReceiveAsync(Token));
        Assert.True(payload.AsSpan().SequenceEqual(pair.Acceptor.Payload.Span));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sending);
        await pair.Connector.SendAsync(FrameType.Control, default, new byte[] { 7 }, Token);
        await pair.Acceptor.ReceiveAsync(Token);
        Assert.Equal([7], pair.Acceptor.Payload.ToArray());
    }

    [Fact(Timeout = Timeout)]
    public async Task ReceiveAsync_LosesNothing_WhenCancelledAnywhereInAFrame()
    {
        // The relay passes half of each frame, waits for the receiver to be cancelled, then passes the rest.
        var halves = new SemaphoreSlim(0);
        await using LinkPair pair = await LinkPair.OpenAsync(relay: endpoint => new Relay(endpoint, (_, index, frame) =>
        {
            if (index % 2 == 0)
            {
                return [frame];
            }

            return new StalledFrame(frame, halves);
        }));

        byte[] payload = LinkSuite.Pattern(100_000, seed: 6);
        Task sending = LinkSuite.SendManyAsync(pair.Connector, payload, 6);
        for (int i = 0; i < 6; i++)
        {
            if (i % 2 == 1)
            {
                using var cancel = new CancellationTokenSource();
                Task<ReceiveStatus> receiving = pair.Acceptor.ReceiveAsync(cancel.Token).AsTask();
                Assert.False(receiving.IsCompleted);
                await cancel.CancelAsync();
                await Assert.ThrowsAnyAsync<OperationCanceledException>(() => receiving);
                halves.Release();
            }

            Assert.Equal(ReceiveStatus.Frame, await pair.Acceptor.ReceiveAsync(Token));
            Assert.True(payload.AsSpan().SequenceEqual(pair.Acceptor.Payload.Span));
        }

        await sending;
    }

    [Fact(Timeout = Timeout)]
    public async Task ReceiveAsync_Refuses_WhenAnotherReceiveIsUnderWay()
    {
        await using LinkPair pair = await LinkPair.OpenAsync();
        Task<ReceiveStatus> first = pair.Acceptor.ReceiveAsync(Token).AsTask();
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await pair.Acceptor.ReceiveAsync(Token));
        await pair.Connector.SendAsync(FrameType.Control, default, new byte[1], Token);
        Assert.Equal(ReceiveStatus.Frame, await first);
    }

    [Fact(Timeout = Timeout)]
    public async Task Link_AgreesOnTheLesserLimit_WhenTheEndsDiffer()
    {
        using var authority = new TestAuthority();
        await using LinkListener listener = LinkListener.Start(LinkPair.AnyPort, authority.Node("b"), new LinkOptions { MaxPayloadBytes = 5000 });
        await using SealedLink near = await LinkConnector.ConnectAsync(
            listener.LocalEndPoint, TestAuthority.UriOf("b"), authority.Node("a"), new LinkOptions { MaxPayloadBytes = 9000 }, Token);
        await using SealedLink far = await listener.AcceptAsync(Token);

        Assert.Equal(5000, near.MaxPayloadBytes);
        Assert.Equal(5000, far.MaxPayloadBytes);
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(
            async () => await near.SendAsync(FrameType.Control, default, new byte[5001], Token));
        await near.SendAsync(FrameType.Control, default, new byte[5000], Token);
        Assert.Equal(ReceiveStatus.Frame, await far.ReceiveAsync(Token));
    }

    [Theory]
    [InlineData(FrameType.Probe)]
    [InlineData(FrameType.ProbeReply)]
    [InlineData(FrameType.Close)]
    [InlineData(FrameType.Bulk)]
    [InlineData(FrameType.Credit)]
    [InlineData((FrameType)0)]
    [InlineData((FrameType)99)]
    public async Task SendAsync_Refuses_WhenTheTypeBelongsToTheTransport(FrameType type)
    {
        await using LinkPair pair = await LinkPair.OpenAsync();
        await Assert.ThrowsAsync<ArgumentException>(async () => await pair.Connector.SendAsync(type, default, new byte[1], Token));
    }

    [Fact(Timeout = Timeout)]
    public async Task SendAsync_LeavesTheLinkWhole_WhenTheWriterThrows()
    {
        await using LinkPair pair = await LinkPair.OpenAsync();
        await Assert.ThrowsAsync<InvalidTimeZoneException>(
            async () => await pair.Connector.SendAsync(FrameType.Control, default, default(ThrowingWriter), Token));
        await pair.Connector.SendAsync(FrameType.Control, default, new byte[] { 3 }, Token);
        await pair.Acceptor.ReceiveAsync(Token);
        Assert.Equal([3], pair.Acceptor.Payload.ToArray());
    }

    [Fact(Timeout = Timeout)]
    public async Task ReceiveAsync_KeepsProbing_WhenBothEndsAreFull()
    {
        // Both ends send more than the sockets hold and probe meanwhile: a receiver that waited to answer would stop both for ever.
        await using LinkPair pair = await LinkPair.OpenAsync();
        byte[] payload = new byte[1 << 20];
        Task sending = Task.WhenAll(LinkSuite.SendManyAsync(pair.Connector, payload, 60), LinkSuite.SendManyAsync(pair.Acceptor, payload, 60));
        Task probing = Task.WhenAll(ProbeManyAsync(pair.Connector), ProbeManyAsync(pair.Acceptor));
        Task receiving = Task.WhenAll(ReceiveUntilClosedAsync(pair.Connector), ReceiveUntilClosedAsync(pair.Acceptor));

        await Task.WhenAll(sending, probing);
        await pair.Connector.DisposeAsync();
        await Assert.ThrowsAsync<LinkException>(() => receiving);
    }

    private static async Task ProbeManyAsync(SealedLink link)
    {
        for (int i = 0; i < 20; i++)
        {
            await link.ProbeAsync(Token);
        }
    }

    private static async Task ReceiveUntilClosedAsync(SealedLink link)
    {
        while (await link.ReceiveAsync(Token) == ReceiveStatus.Frame)
        {
        }
    }

    private readonly struct ThrowingWriter : IPayloadWriter
    {
        public int Length => 100;

        public void Write(Span<byte> payload) => throw new InvalidTimeZoneException();
    }

    /// <summary>Two halves of a frame; asking for the second waits.</summary>
    private sealed class StalledFrame(byte[] frame, SemaphoreSlim secondHalf) : IReadOnlyList<byte[]>
    {
        public int Count => 2;

        public byte[] this[int index] => index == 0 ? frame[..(frame.Length / 2)] : frame[(frame.Length / 2)..];

        public IEnumerator<byte[]> GetEnumerator()
        {
            yield return this[0];
            secondHalf.Wait();
            yield return this[1];
        }

        System.Collections.IEnumerator System.Collections.IEnumerable.GetEnumerator() => GetEnumerator();
    }
}
