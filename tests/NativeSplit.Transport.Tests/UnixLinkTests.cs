using System.Net;
using System.Net.Sockets;
using NativeSplit.Testing;
using NativeSplit.Transport.Links;
using NativeSplit.Transport.Tests.Support;

namespace NativeSplit.Transport.Tests;

/// <summary>Links over a Unix socket: what every link does, and what its file needs.</summary>
public sealed class UnixLinkTests : LinkSuite, IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private int _opened;

    public void Dispose() => _folder.Dispose();

    [Fact(Timeout = Timeout)]
    public async Task Start_MakesTheFileForItsUserAlone_AndDisposeRemovesIt()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "skipped: file modes are Unix");
        string path = Path.Combine(_folder.Path, "own.sock");
        using var authority = new TestAuthority();
        await using (LinkListener listener = LinkListener.Start(new UnixDomainSocketEndPoint(path), authority.Node("b"), new LinkOptions()))
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
            Assert.Equal(path, listener.BoundEndPoint.ToString());
            Assert.Throws<InvalidOperationException>(() => listener.LocalEndPoint);
            await using SealedLink link = await LinkConnector.ConnectAsync(
                new UnixDomainSocketEndPoint(path), TestAuthority.UriOf("b"), authority.Node("a"), new LinkOptions(), Token);
            Assert.Equal(TestAuthority.UriOf("b"), link.Peer);
        }

        Assert.False(File.Exists(path));
    }

    [Fact]
    public void Start_SaysAddressUnavailable_WhenTheFileExists()
    {
        string path = _folder.Write("taken.sock", "something else");
        using var authority = new TestAuthority();
        LinkException e = Assert.Throws<LinkException>(() => LinkListener.Start(new UnixDomainSocketEndPoint(path), authority.Node("b"), new LinkOptions()));
        Assert.Equal(LinkFault.AddressUnavailable, e.Fault);
        Assert.Contains(path, e.Message, StringComparison.Ordinal);
        Assert.Equal("something else", File.ReadAllText(path));
    }

    [Fact(Timeout = Timeout)]
    public async Task ConnectAsync_SaysUnreachable_WhenNobodyListensAtThePath()
    {
        using var authority = new TestAuthority();
        string path = Path.Combine(_folder.Path, "nobody.sock");
        LinkException e = await Assert.ThrowsAsync<LinkException>(async () => await LinkConnector.ConnectAsync(
            new UnixDomainSocketEndPoint(path), TestAuthority.UriOf("b"), authority.Node("a"), new LinkOptions(), Token));
        Assert.Equal(LinkFault.Unreachable, e.Fault);
    }

    private protected override Relay? Between(IPEndPoint listener) => null;

    private protected override EndPoint At() => new UnixDomainSocketEndPoint(Path.Combine(_folder.Path, $"{_opened++}.sock"));
}
