using System.Buffers.Binary;
using System.Net.Sockets;
using NativeSplit.Transport.Frames;
using NativeSplit.Transport.Links;
using NativeSplit.Transport.Sealing;
using NativeSplit.Transport.Tests.Support;

namespace NativeSplit.Transport.Tests;

/// <summary>Bulk frames wait for all others and for credit, and hold nothing meanwhile.</summary>
public sealed class BulkFlowTests
{
    private const int Timeout = 60_000;

    // The initial credit is two of the longest frames. The receiver holds theirs, so that no other comes.
    private const int FramesWithCredit = 2;

    private static readonly byte[] Page = LinkSuite.Pattern(LinkOptions.BulkPayloadCeiling, seed: 8);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = Timeout)]
    public async Task Activations_ArriveBeforeWaitingBulk_WhenTheReaderIsSlow()
    {
        const int bulk = 24;
        const int activations = 40;
        await using LinkPair pair = await LinkPair.OpenAsync();
        Task<ReceiveStatus> credit = pair.Connector.ReceiveAsync(Token).AsTask();
        Task sending = LinkSuite.SendBulkAsync(pair.Connector, Page, bulk);
        int held = await HoldAllAsync(pair.Acceptor);
        for (uint i = 0; i < activations; i++)
        {
            await pair.Connector.SendAsync(FrameType.Activations, new FrameHeader(0, i, 0, 0, 0, 0), new byte[256], Token);
        }

        Assert.False(sending.IsCompleted);
        Assert.Equal(FramesWithCredit + activations, pair.Connector.Statistics.FramesSent);
        pair.Acceptor.ReturnBulkCredit(held);
        List<(FrameType Type, ulong Batch)> seen = await ReceiveAsync(pair.Acceptor, bulk - FramesWithCredit + activations);
        await sending;

        var expected = new List<(FrameType, ulong)>();
        expected.AddRange(Enumerable.Range(0, activations).Select(i => (FrameType.Activations, (ulong)i)));
        expected.AddRange(Enumerable.Range(FramesWithCredit, bulk - FramesWithCredit).Select(i => (FrameType.Bulk, (ulong)i)));
        Assert.Equal(expected, seen);
        Assert.False(credit.IsCompleted);
    }

    [Fact(Timeout = Timeout)]
    public async Task Activations_OvertakeBulkThatHasCredit_WhenTheLinkIsBusy()
    {
        await using LinkPair pair = await LinkPair.OpenAsync();
        Task busy = LinkSuite.SendManyAsync(pair.Connector, new byte[32 << 20], 1);
        Task bulk = pair.Connector.SendBulkAsync(default, Page, Token).AsTask();
        Task activations = pair.Connector.SendAsync(FrameType.Activations, default, new byte[5], Token).AsTask();
        Assert.False(busy.IsCompleted || bulk.IsCompleted || activations.IsCompleted);

        Assert.Equal(
            [FrameType.Activations, FrameType.Activations, FrameType.Bulk],
            (await ReceiveAsync(pair.Acceptor, 3)).Select(frame => frame.Type));
        await Task.WhenAll(busy, bulk, activations);
    }

    [Fact(Timeout = Timeout)]
    public async Task SendBulkAsync_NeverPassesTheWindow_WhenTheReaderIsSlow()
    {
        var options = new LinkOptions { BulkWindowBytes = 3 << 20 };
        await using LinkPair pair = await LinkPair.OpenAsync(options);
        Task<ReceiveStatus> credit = pair.Connector.ReceiveAsync(Token).AsTask();
        Task sending = LinkSuite.SendBulkAsync(pair.Connector, Page, 60);
        for (int i = 0; i < 60; i++)
        {
            await pair.Acceptor.ReceiveAsync(Token);
            long ahead = pair.Connector.Statistics.BytesSent - pair.Acceptor.Statistics.BytesReceived;
            Assert.InRange(ahead, 0, options.BulkWindowBytes);
        }

        await sending;
        Assert.InRange(pair.Acceptor.Statistics.FramesSent, 1, 60);
        Assert.False(credit.IsCompleted);
    }

    [Fact(Timeout = Timeout)]
    public async Task SendBulkAsync_LeavesNothingBehind_WhenCancelledWithoutCredit()
    {
        await using LinkPair pair = await LinkPair.OpenAsync();
        Task<ReceiveStatus> credit = pair.Connector.ReceiveAsync(Token).AsTask();
        Task first = LinkSuite.SendBulkAsync(pair.Connector, Page, FramesWithCredit);
        int held = await HoldAllAsync(pair.Acceptor);
        await first;
        using var cancel = new CancellationTokenSource();
        Task cancelled = pair.Connector.SendBulkAsync(new FrameHeader(0, 98, 0, 0, 0, 0), Page, cancel.Token).AsTask();
        Task after = pair.Connector.SendBulkAsync(new FrameHeader(0, 99, 0, 0, 0, 0), new byte[1000], Token).AsTask();
        Assert.False(after.IsCompleted);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled);

        Assert.False(after.IsCompleted);
        pair.Acceptor.ReturnBulkCredit(held);
        Assert.Equal([99UL], (await ReceiveAsync(pair.Acceptor, 1)).Select(frame => frame.Batch));
        await after;
        Assert.Equal(3, pair.Connector.Statistics.FramesSent);
        Assert.False(credit.IsCompleted);
    }

    [Fact(Timeout = Timeout)]
    public async Task SendBulkAsync_GivesItsTurnOn_WhenASmallerFrameBehindACancelledOneHasCredit()
    {
        await using LinkPair pair = await LinkPair.OpenAsync();
        foreach (int bytes in (int[])[LinkOptions.BulkPayloadCeiling, 1000])
        {
            Task one = pair.Connector.SendBulkAsync(default, Page.AsMemory(0, bytes), Token).AsTask();
            await pair.Acceptor.ReceiveAsync(Token);
            pair.Acceptor.HoldBulkCredit();
            await one;
        }

        using var cancel = new CancellationTokenSource();
        Task large = pair.Connector.SendBulkAsync(default, Page, cancel.Token).AsTask();
        Task small = pair.Connector.SendBulkAsync(default, new byte[10], Token).AsTask();
        Assert.False(small.IsCompleted);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => large);

        await small;
    }

    [Fact(Timeout = Timeout)]
    public async Task SendBulkAsync_SaysClosed_WhenThePeerLeavesWhileItWaitsForCredit()
    {
        await using LinkPair pair = await LinkPair.OpenAsync();
        Task<ReceiveStatus> receiving = pair.Connector.ReceiveAsync(Token).AsTask();
        Task sending = LinkSuite.SendBulkAsync(pair.Connector, Page, FramesWithCredit + 1);
        await HoldAllAsync(pair.Acceptor);
        await pair.Acceptor.DisposeAsync();

        Assert.Equal(LinkFault.Closed, (await Assert.ThrowsAsync<LinkException>(() => sending)).Fault);
        Assert.Equal(ReceiveStatus.Closed, await receiving);
    }

    [Fact(Timeout = Timeout)]
    public async Task SendBulkAsync_SaysClosed_WhenTheLinkIsDisposedWhileItWaitsForCredit()
    {
        await using LinkPair pair = await LinkPair.OpenAsync();
        Task sending = LinkSuite.SendBulkAsync(pair.Connector, Page, FramesWithCredit + 1);
        await HoldAllAsync(pair.Acceptor);
        await pair.Connector.DisposeAsync();

        Assert.Equal(LinkFault.Closed, (await Assert.ThrowsAsync<LinkException>(() => sending)).Fault);
    }

    [Fact(Timeout = Timeout)]
    public async Task SendBulkAsync_Refuses_WhenThePayloadIsTooLong()
    {
        await using LinkPair wide = await LinkPair.OpenAsync();
        await using LinkPair narrow = await LinkPair.OpenAsync(new LinkOptions { MaxPayloadBytes = 1000 });
        Assert.Equal((LinkOptions.BulkPayloadCeiling, 1000), (wide.Connector.MaxBulkPayloadBytes, narrow.Connector.MaxBulkPayloadBytes));
        foreach (SealedLink link in (SealedLink[])[wide.Connector, narrow.Connector])
        {
            await Assert.ThrowsAsync<ArgumentOutOfRangeException>(
                async () => await link.SendBulkAsync(default, new byte[link.MaxBulkPayloadBytes + 1], Token));
        }

        await narrow.Connector.SendBulkAsync(default, new byte[1000], Token);
        await narrow.Acceptor.ReceiveAsync(Token);
        Assert.Equal(1000, narrow.Acceptor.Payload.Length);
    }

    [Fact(Timeout = Timeout)]
    public async Task SendBulkAsync_GivesItsTurnOn_WhenTheWriterThrows()
    {
        await using LinkPair pair = await LinkPair.OpenAsync();
        for (int i = 0; i < 5; i++)
        {
            await Assert.ThrowsAsync<InvalidTimeZoneException>(async () => await pair.Connector.SendBulkAsync(default, default(ThrowingWriter), Token));
        }

        // No credit was used up either: it still covers two of the longest frames.
        Task sending = LinkSuite.SendBulkAsync(pair.Connector, Page, FramesWithCredit);
        await HoldAllAsync(pair.Acceptor);
        await sending;
    }

    [Fact(Timeout = Timeout)]
    public async Task ReceiveAsync_SaysMalformed_WhenThePeerOverdrawsItsCredit()
    {
        using var authority = new TestAuthority();
        (SealedLink near, RawLinks.RawEnd far) = await RawLinks.OpenHalfAsync(authority, FrameSealer.DefaultLimitBytes, new LinkOptions());
        await using SealedLink link = near;
        using RawLinks.RawEnd end = far;
        byte[] payload = new byte[8000];
        int frameBytes = FrameLayout.FrameBytes(payload.Length);
        int covered = (int)FrameLayout.InitialBulkCredit / frameBytes;
        using var sealer = new FrameSealer(far.Keys.Keys.CreateCipher(fromConnector: false), connectionId: 1, FrameSealer.DefaultLimitBytes);
        Task writing = WriteAsync(far.Data, sealer, FrameType.Bulk, payload, covered + 1);

        for (int i = 0; i < covered; i++)
        {
            Assert.Equal(ReceiveStatus.Frame, await near.ReceiveAsync(Token));
            Assert.Equal(frameBytes, near.HoldBulkCredit());
        }

        LinkException e = await Assert.ThrowsAsync<LinkException>(async () => await near.ReceiveAsync(Token));
        Assert.Equal(LinkFault.Malformed, e.Fault);
        await writing;
    }

    [Fact(Timeout = Timeout)]
    public async Task HoldBulkCredit_StopsBulkAlone_UntilItIsReturned()
    {
        await using LinkPair pair = await LinkPair.OpenAsync();
        Task sending = LinkSuite.SendBulkAsync(pair.Connector, Page, 8);
        int held = await HoldAllAsync(pair.Acceptor);

        for (uint i = 0; i < 20; i++)
        {
            Task<ReceiveStatus> receiving = pair.Acceptor.ReceiveAsync(Token).AsTask();
            Assert.False(receiving.IsCompleted);
            await pair.Connector.SendAsync(FrameType.Activations, new FrameHeader(0, i, 0, 0, 0, 0), new byte[100], Token);
            Assert.Equal(ReceiveStatus.Frame, await receiving);
            Assert.Equal((FrameType.Activations, (ulong)i), (pair.Acceptor.Type, pair.Acceptor.Header.Batch));
        }

        Assert.False(sending.IsCompleted);
        Assert.Throws<ArgumentOutOfRangeException>(() => pair.Acceptor.ReturnBulkCredit(held + 1));
        pair.Acceptor.ReturnBulkCredit(held);
        Assert.Throws<ArgumentOutOfRangeException>(() => pair.Acceptor.ReturnBulkCredit(1));
        Task<ReceiveStatus> credit = pair.Connector.ReceiveAsync(Token).AsTask();
        Assert.Equal([2UL, 3, 4, 5, 6, 7], (await ReceiveAsync(pair.Acceptor, 6)).Select(frame => frame.Batch));
        await sending;
        Assert.False(credit.IsCompleted);
    }

    [Theory(Timeout = Timeout)]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(LinkOptions.BulkWindowCeiling + 1L)]
    [InlineData(-1L)]
    public async Task ReceiveAsync_SaysMalformed_WhenThePeerGivesCreditThatItCanNot(long total)
    {
        using var authority = new TestAuthority();
        (SealedLink near, RawLinks.RawEnd far) = await RawLinks.OpenHalfAsync(authority, FrameSealer.DefaultLimitBytes, new LinkOptions());
        await using SealedLink link = near;
        using RawLinks.RawEnd end = far;
        using var sealer = new FrameSealer(far.Keys.Keys.CreateCipher(fromConnector: false), connectionId: 1, FrameSealer.DefaultLimitBytes);
        byte[] payload = new byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(payload, total);
        await WriteAsync(far.Data, sealer, FrameType.Credit, payload, 1);

        LinkException e = await Assert.ThrowsAsync<LinkException>(async () => await near.ReceiveAsync(Token));
        Assert.Equal(LinkFault.Malformed, e.Fault);
    }

    [Fact(Timeout = Timeout)]
    public async Task Credit_GoesUnderTheNextKey_WhenTheKeyInUseIsSpent()
    {
        using var authority = new TestAuthority();
        (SealedLink near, RawLinks.RawEnd far) = await RawLinks.OpenHalfAsync(
            authority, FrameSealer.CloseReserveBytes + FrameLayout.SealedBytes(9000), new LinkOptions());
        await using SealedLink link = near;
        using RawLinks.RawEnd end = far;
        await near.SendAsync(FrameType.Control, default, new byte[9000], Token);
        (ControlKind kind, _, byte[] offered) = await far.ReadControlAsync();
        Assert.Equal(ControlKind.KeyOffer, kind);
        using var sealer = new FrameSealer(far.Keys.Keys.CreateCipher(fromConnector: false), connectionId: 1, FrameSealer.DefaultLimitBytes);
        Task writing = WriteAsync(far.Data, sealer, FrameType.Bulk, new byte[9000], 40);
        await ReceiveAsync(near, 40);
        await writing;
        Assert.Equal(1, near.Statistics.FramesSent);

        byte[] own = LinkSuite.Pattern(32, seed: 3);
        await far.WriteControlAsync(ControlKind.KeyAnswer, 1, own);
        using var opener = new FrameOpener(far.Keys.Keys.CreateCipher(fromConnector: true), connectionId: 1, maxPayloadBytes: 10_000);
        using KeyChain chain = far.Keys.Keys.CreateChain(fromConnector: true);
        opener.Attach(switched: () => { });
        opener.Install(chain.Next(offered, own));
        foreach (int bytes in (int[])[9000, CreditWriter.Bytes])
        {
            byte[] frame = new byte[FrameLayout.FrameBytes(bytes)];
            await RawWire.ReadExactlyAsync(far.Data, frame, Token);
            Assert.Equal(FrameStatus.Complete, opener.TryRead(frame, out OuterHeader header));
            Assert.Equal(bytes == CreditWriter.Bytes ? (FrameType.Credit, 1u) : (FrameType.Control, 0u), (header.Type, header.KeyPhase));
            Assert.True(opener.TryOpen(frame));
        }
    }

    /// <summary>Receives bulk frames until the initial credit covers no other, and holds what they would give back.</summary>
    private static async Task<int> HoldAllAsync(SealedLink link)
    {
        int held = 0;
        for (int i = 0; i < FramesWithCredit; i++)
        {
            Assert.Equal(ReceiveStatus.Frame, await link.ReceiveAsync(Token));
            held += link.HoldBulkCredit();
            Assert.Equal(0, link.HoldBulkCredit());
        }

        Assert.InRange(held, (int)FrameLayout.InitialBulkCredit - 64, (int)FrameLayout.InitialBulkCredit);
        return held;
    }

    private static async Task<List<(FrameType Type, ulong Batch)>> ReceiveAsync(SealedLink link, int frames)
    {
        List<(FrameType, ulong)> seen = [];
        for (int i = 0; i < frames; i++)
        {
            Assert.Equal(ReceiveStatus.Frame, await link.ReceiveAsync(Token));
            seen.Add((link.Type, link.Header.Batch));
        }

        return seen;
    }

    private static async Task WriteAsync(Socket socket, FrameSealer sealer, FrameType type, byte[] payload, int frames)
    {
        byte[] frame = new byte[FrameLayout.FrameBytes(payload.Length)];
        for (int i = 0; i < frames; i++)
        {
            payload.CopyTo(frame, FrameLayout.PrefixBytes);
            sealer.Seal(type, default, payload.Length, frame);
            await RawWire.WriteAsync(socket, frame, Token);
        }

        socket.Shutdown(SocketShutdown.Send);
    }

    private readonly struct ThrowingWriter : IPayloadWriter
    {
        public int Length => LinkOptions.BulkPayloadCeiling;

        public void Write(Span<byte> payload) => throw new InvalidTimeZoneException();
    }
}
