using NativeSplit.Transport.Frames;
using NativeSplit.Transport.Links;
using NativeSplit.Transport.Tests.Support;

namespace NativeSplit.Transport.Tests;

/// <summary>How links end, and who learns what.</summary>
public sealed class LinkCloseTests
{
    private const int Timeout = 60_000;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = Timeout)]
    public async Task Dispose_NeverThrows_WhenBothEndsCloseAtOnce()
    {
        var authority = new TestAuthority();
        var options = new LinkOptions();
        await using LinkListener listener = LinkListener.Start(LinkPair.AnyPort, authority.Node("b"), options);
        for (int i = 0; i < 500; i++)
        {
            ValueTask<SealedLink> accepting = listener.AcceptAsync(Token);
            SealedLink connector = await LinkConnector.ConnectAsync(listener.LocalEndPoint, TestAuthority.UriOf("b"), authority.Node("a"), options, Token);
            SealedLink acceptor = await accepting;

            // The connector answers the goodbye with its own at once, as a worker does.
            Task leaving = ReceiveAndLeaveAsync(connector);
            await acceptor.DisposeAsync();
            await leaving;
        }
    }

    [Fact(Timeout = Timeout)]
    public async Task ReceiveAsync_EndsWithClosed_WhenDisposedMeanwhile()
    {
        await using LinkPair pair = await LinkPair.OpenAsync();
        Task<ReceiveStatus> receiving = pair.Acceptor.ReceiveAsync(Token).AsTask();
        await pair.Acceptor.DisposeAsync();
        Assert.Equal(LinkFault.Closed, (await Assert.ThrowsAsync<LinkException>(() => receiving)).Fault);
        await AssertClosedAsync(async () => await pair.Acceptor.ReceiveAsync(Token));
        await AssertClosedAsync(async () => await pair.Acceptor.SendAsync(FrameType.Control, default, new byte[1], Token));
        await AssertClosedAsync(async () => await pair.Acceptor.ProbeAsync(Token));
    }

    [Fact(Timeout = Timeout)]
    public async Task SendAsync_EndsWithClosed_WhenDisposedWhileThePeerDoesNotRead()
    {
        await using LinkPair pair = await LinkPair.OpenAsync(new LinkOptions { CloseTimeout = TimeSpan.FromMilliseconds(100) });
        Task sending = LinkSuite.SendManyAsync(pair.Connector, new byte[64 << 20], 1);
        Assert.False(sending.IsCompleted);
        await pair.Connector.DisposeAsync();
        Assert.Equal(LinkFault.Closed, (await Assert.ThrowsAsync<LinkException>(() => sending)).Fault);
        await AssertClosedAsync(async () => await pair.Acceptor.ReceiveAsync(Token));
    }

    [Fact(Timeout = Timeout)]
    public async Task ReceiveAsync_Throws_WhenTheConnectionEndsAtAFrameBoundary()
    {
        await using LinkPair pair = await LinkPair.OpenAsync(
            relay: endpoint => new Relay(endpoint, (_, index, frame) => index < 1 ? [frame] : null));
        await pair.Connector.SendAsync(FrameType.Control, default, new byte[1], Token);
        await pair.Connector.SendAsync(FrameType.Control, default, new byte[1], Token);
        Assert.Equal(ReceiveStatus.Frame, await pair.Acceptor.ReceiveAsync(Token));
        await AssertClosedAsync(async () => await pair.Acceptor.ReceiveAsync(Token));
    }

    [Fact(Timeout = Timeout)]
    public async Task ReceiveAsync_Throws_WhenTheGoodbyeIsCutOff()
    {
        await using LinkPair pair = await LinkPair.OpenAsync(
            relay: endpoint => new Relay(endpoint, (_, _, frame) => frame[FrameLayout.TypeOffset] == (byte)FrameType.Close ? null : [frame]));
        await pair.Connector.SendAsync(FrameType.Control, default, new byte[1], Token);
        await pair.Connector.DisposeAsync();
        Assert.Equal(ReceiveStatus.Frame, await pair.Acceptor.ReceiveAsync(Token));
        await AssertClosedAsync(async () => await pair.Acceptor.ReceiveAsync(Token));
    }

    [Fact(Timeout = Timeout)]
    public async Task ProbeAsync_Throws_WhenThePeerClosesInsteadOfAnswering()
    {
        await using LinkPair pair = await LinkPair.OpenAsync();
        Task<ReceiveStatus> receiving = pair.Connector.ReceiveAsync(Token).AsTask();
        Task<TimeSpan> probe = pair.Connector.ProbeAsync(Token).AsTask();
        await pair.Acceptor.DisposeAsync();
        Assert.Equal(LinkFault.Closed, (await Assert.ThrowsAsync<LinkException>(() => probe)).Fault);
        Assert.Equal(ReceiveStatus.Closed, await receiving);
    }

    [Fact(Timeout = Timeout)]
    public async Task ProbeAsync_CanBeTriedAgain_WhenCancelled()
    {
        await using LinkPair pair = await LinkPair.OpenAsync();
        Task<ReceiveStatus> near = pair.Connector.ReceiveAsync(Token).AsTask();
        using var cancel = new CancellationTokenSource();
        Task<TimeSpan> first = pair.Connector.ProbeAsync(cancel.Token).AsTask();
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        Task<ReceiveStatus> far = pair.Acceptor.ReceiveAsync(Token).AsTask();
        Assert.True(await pair.Connector.ProbeAsync(Token) > TimeSpan.Zero);
        await pair.Acceptor.DisposeAsync();
        await Assert.ThrowsAsync<LinkException>(() => far);
        Assert.Equal(ReceiveStatus.Closed, await near);
    }

    [Fact(Timeout = Timeout)]
    public async Task Links_OutliveTheirListener_WhenItIsDisposed()
    {
        await using LinkPair pair = await LinkPair.OpenAsync();
        await pair.Listener.DisposeAsync();
        await pair.Listener.DisposeAsync();
        await AssertClosedAsync(async () => await pair.Listener.AcceptAsync(Token));
        await pair.Connector.SendAsync(FrameType.Control, default, new byte[3], Token);
        Assert.Equal(ReceiveStatus.Frame, await pair.Acceptor.ReceiveAsync(Token));
    }

    [Fact(Timeout = Timeout)]
    public async Task DisposeAsync_Ends_WhenBothEndsDisposeAtOnce()
    {
        for (int i = 0; i < 20; i++)
        {
            await using LinkPair pair = await LinkPair.OpenAsync();
            Task<ReceiveStatus>[] receiving = [pair.Acceptor.ReceiveAsync(Token).AsTask(), pair.Connector.ReceiveAsync(Token).AsTask()];
            await Task.WhenAll(pair.Acceptor.DisposeAsync().AsTask(), pair.Connector.DisposeAsync().AsTask(), pair.Connector.DisposeAsync().AsTask());
            foreach (Task<ReceiveStatus> task in receiving)
            {
                try
                {
                    Assert.Equal(ReceiveStatus.Closed, await task);
                }
                catch (LinkException e)
                {
                    Assert.Equal(LinkFault.Closed, e.Fault);
                }
            }
        }
    }

    private static async Task AssertClosedAsync(Func<Task> action) =>
        Assert.Equal(LinkFault.Closed, (await Assert.ThrowsAsync<LinkException>(action)).Fault);

    private static async Task ReceiveAndLeaveAsync(SealedLink link)
    {
        Assert.Equal(ReceiveStatus.Closed, await link.ReceiveAsync(Token));
        await link.DisposeAsync();
    }
}
