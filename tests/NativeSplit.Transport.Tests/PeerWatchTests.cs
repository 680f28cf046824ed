using Microsoft.Extensions.Time.Testing;
using NativeSplit.Transport.Frames;
using NativeSplit.Transport.Links;
using NativeSplit.Transport.Sealing;
using NativeSplit.Transport.Tests.Support;

namespace NativeSplit.Transport.Tests;

/// <summary>A peer that no longer lives is noticed although its connections stay open; one that is merely slow isn't taken for dead.</summary>
public sealed class PeerWatchTests
{
    private const int Timeout = 60_000;

    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(250);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = Timeout)]
    public async Task ReceiveAsync_SaysPeerSilentWithinASecond_WhenActivationsAreInFlight()
    {
        var time = new FakeTimeProvider();
        using var authority = new TestAuthority();
        (SealedLink near, RawLinks.RawEnd far) = await RawLinks.OpenHalfAsync(authority, FrameSealer.DefaultLimitBytes, new LinkOptions { Time = time });
        await using SealedLink link = near;
        using RawLinks.RawEnd end = far;
        Task<ReceiveStatus> receiving = near.ReceiveAsync(Token).AsTask();
        await near.SendAsync(FrameType.Activations, default, new byte[10], Token);
        for (int i = 0; i < 4; i++)
        {
            Assert.False(receiving.IsCompleted);
            time.Advance(Tick);
            if (i == 0)
            {
                Assert.Equal(ControlKind.Ping, (await far.ReadControlAsync()).Kind);
            }
        }

        Assert.Equal(LinkFault.PeerSilent, (await Assert.ThrowsAsync<LinkException>(() => receiving)).Fault);
    }

    [Fact(Timeout = Timeout)]
    public async Task ReceiveAsync_WaitsForTheIdleTimeout_WhenOnlyMessagesWereSent()
    {
        var time = new FakeTimeProvider();
        var options = new LinkOptions { Time = time };
        using var authority = new TestAuthority();
        (SealedLink near, RawLinks.RawEnd far) = await RawLinks.OpenHalfAsync(authority, FrameSealer.DefaultLimitBytes, options);
        await using SealedLink link = near;
        using RawLinks.RawEnd end = far;
        Task<ReceiveStatus> receiving = near.ReceiveAsync(Token).AsTask();
        await near.SendAsync(FrameType.Control, default, new byte[10], Token);
        int ticks = (int)(options.IdleTimeout / Tick);
        for (int i = 0; i < ticks - 1; i++)
        {
            time.Advance(Tick);
        }

        Assert.False(receiving.IsCompleted);
        time.Advance(2 * Tick);
        Assert.Equal(LinkFault.PeerSilent, (await Assert.ThrowsAsync<LinkException>(() => receiving)).Fault);
    }

    [Fact(Timeout = Timeout)]
    public async Task ReceiveAsync_SaysPeerSilentWithinASecond_WhenRowsAreExpectedThoughNoneWereSent()
    {
        var time = new FakeTimeProvider();
        using var authority = new TestAuthority();
        (SealedLink near, RawLinks.RawEnd far) = await RawLinks.OpenHalfAsync(authority, FrameSealer.DefaultLimitBytes, new LinkOptions { Time = time });
        await using SealedLink link = near;
        using RawLinks.RawEnd end = far;
        Task<ReceiveStatus> receiving = near.ReceiveAsync(Token).AsTask();
        await near.SendAsync(FrameType.Control, default, new byte[10], Token);
        near.ExpectRows(true);
        for (int i = 0; i < 4; i++)
        {
            Assert.False(receiving.IsCompleted);
            time.Advance(Tick);
        }

        LinkException e = await Assert.ThrowsAsync<LinkException>(() => receiving);
        Assert.Equal(LinkFault.PeerSilent, e.Fault);
        Assert.Contains("for 1 s;", e.Message, StringComparison.Ordinal);
        near.ExpectRows(false);
    }

    [Fact(Timeout = Timeout)]
    public async Task ReceiveAsync_WaitsForTheIdleTimeout_WhenRowsAreNoLongerExpected()
    {
        var time = new FakeTimeProvider();
        var options = new LinkOptions { Time = time };
        using var authority = new TestAuthority();
        (SealedLink near, RawLinks.RawEnd far) = await RawLinks.OpenHalfAsync(authority, FrameSealer.DefaultLimitBytes, options);
        await using SealedLink link = near;
        using RawLinks.RawEnd end = far;
        Task<ReceiveStatus> receiving = near.ReceiveAsync(Token).AsTask();
        near.ExpectRows(true);
        near.ExpectRows(true);
        near.ExpectRows(false);
        time.Advance(Tick);
        near.ExpectRows(false);
        for (int i = 0; i < (int)(options.PeerTimeout / Tick) + 2; i++)
        {
            time.Advance(Tick);
        }

        Assert.False(receiving.IsCompleted);
        for (int i = 0; i < (int)(options.IdleTimeout / Tick); i++)
        {
            time.Advance(Tick);
        }

        LinkException e = await Assert.ThrowsAsync<LinkException>(() => receiving);
        Assert.Contains("for 30 s;", e.Message, StringComparison.Ordinal);
    }

    [Fact(Timeout = Timeout)]
    public async Task Link_Lives_WhenThePeersOwnerDoesNotRead()
    {
        var time = new FakeTimeProvider();
        await using LinkPair pair = await LinkPair.OpenAsync(new LinkOptions { Time = time });
        Task sending = LinkSuite.SendManyAsync(pair.Connector, new byte[1 << 20], 100);
        for (int i = 0; i < 12; i++)
        {
            // Each tick asks; the answer comes over the control connection, whatever lies unread on the data connection.
            long before = pair.Connector.ControlMessagesReceived;
            time.Advance(Tick);
            time.Advance(Tick);
            await LinkPair.UntilAsync(() => pair.Connector.ControlMessagesReceived > before);
        }

        Assert.False(sending.IsCompleted);
        for (int i = 0; i < 100; i++)
        {
            Assert.Equal(ReceiveStatus.Frame, await pair.Acceptor.ReceiveAsync(Token));
        }

        await sending;
    }

    [Fact(Timeout = Timeout)]
    public async Task Link_Lives_WhenThisProcessItselfDidNotRun()
    {
        var time = new FakeTimeProvider();
        using var authority = new TestAuthority();
        (SealedLink near, RawLinks.RawEnd far) = await RawLinks.OpenHalfAsync(authority, FrameSealer.DefaultLimitBytes, new LinkOptions { Time = time });
        await using SealedLink link = near;
        using RawLinks.RawEnd end = far;
        Task<ReceiveStatus> receiving = near.ReceiveAsync(Token).AsTask();
        await near.SendAsync(FrameType.Activations, default, new byte[10], Token);
        time.Advance(Tick);
        time.SetUtcNow(time.GetUtcNow() + TimeSpan.FromSeconds(90));
        Assert.False(receiving.IsCompleted);
        Assert.Equal(ControlKind.Ping, (await far.ReadControlAsync()).Kind);
        await far.WriteControlAsync(ControlKind.Pong, 1, []);
        await LinkPair.UntilAsync(() => near.ControlMessagesReceived == 1);
        time.Advance(Tick);
        Assert.False(receiving.IsCompleted);
    }

    [Fact]
    public void Start_Refuses_WhenTheTimesMakeNoSense()
    {
        using var authority = new TestAuthority();
        foreach (LinkOptions options in (LinkOptions[])
            [
                new LinkOptions { PeerTimeout = TimeSpan.Zero },
                new LinkOptions { PeerTimeout = TimeSpan.FromSeconds(40) },
                new LinkOptions { RekeyAfter = TimeSpan.FromSeconds(180) },
                new LinkOptions { RekeyAfter = TimeSpan.Zero },
                new LinkOptions { ReceiveSpin = TimeSpan.FromMicroseconds(51) },
                new LinkOptions { ReceiveSpin = TimeSpan.FromMicroseconds(-1) },
                new LinkOptions { BulkWindowBytes = (int)FrameLayout.InitialBulkCredit - 1 },
                new LinkOptions { BulkWindowBytes = LinkOptions.BulkWindowCeiling + 1 },
            ])
        {
            Assert.Throws<ArgumentOutOfRangeException>(() => LinkListener.Start(LinkPair.AnyPort, authority.Node("b"), options));
        }
    }
}
