using System.Net;
using NativeSplit.Transport.Links;
using NativeSplit.Transport.Tests.Support;

namespace NativeSplit.Transport.Tests;

/// <summary>Links inside one process: what every link does, and what their address is.</summary>
public sealed class InProcessLinkTests : LinkSuite
{
    [Fact(Timeout = Timeout)]
    public async Task ConnectAsync_SaysUnreachable_WhenNobodyListens_OrNoMore()
    {
        using var authority = new TestAuthority();
        var door = new InProcessEndPoint("door");
        Assert.Equal(LinkFault.Unreachable, await FaultAsync());
        LinkListener listener = LinkListener.Start(door, authority.Node("b"), new LinkOptions());
        Assert.Equal(LinkFault.AddressUnavailable, Assert.Throws<LinkException>(() => LinkListener.Start(door, authority.Node("b"), new LinkOptions())).Fault);
        Assert.Same(door, listener.BoundEndPoint);
        Assert.Throws<InvalidOperationException>(() => listener.LocalEndPoint);
        await using (SealedLink link = await LinkConnector.ConnectAsync(door, TestAuthority.UriOf("b"), authority.Node("a"), new LinkOptions(), Token))
        {
            Assert.Equal(("in-process:door", TestAuthority.UriOf("b")), (link.RemoteEndPoint.ToString(), link.Peer));
        }

        await listener.DisposeAsync();
        Assert.Equal(LinkFault.Unreachable, await FaultAsync());
        await using LinkListener again = LinkListener.Start(door, authority.Node("b"), new LinkOptions());

        async Task<LinkFault> FaultAsync() => (await Assert.ThrowsAsync<LinkException>(async () => await LinkConnector.ConnectAsync(
            door, TestAuthority.UriOf("b"), authority.Node("a"), new LinkOptions(), Token))).Fault;
    }

    [Fact(Timeout = Timeout)]
    public async Task ConnectAsync_SaysAuthenticationFailed_WhenThePeerIsAnother()
    {
        using var authority = new TestAuthority();
        using var foreign = new TestAuthority();
        var door = new InProcessEndPoint("door");
        await using LinkListener listener = LinkListener.Start(door, authority.Node("b"), new LinkOptions());
        LinkException e = await Assert.ThrowsAsync<LinkException>(async () => await LinkConnector.ConnectAsync(
            door, TestAuthority.UriOf("b"), foreign.Node("a"), new LinkOptions(), Token));
        Assert.Equal(LinkFault.AuthenticationFailed, e.Fault);
    }

    private protected override Relay? Between(IPEndPoint listener) => null;

    private protected override EndPoint At() => new InProcessEndPoint("suite");
}
