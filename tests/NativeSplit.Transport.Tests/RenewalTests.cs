using System.Net;
using System.Security.Cryptography.X509Certificates;
using NativeSplit.Transport.Links;
using NativeSplit.Transport.Tests.Support;

namespace NativeSplit.Transport.Tests;

/// <summary>Renewals of peers with a certificate, and listeners whose own is replaced.</summary>
public sealed class RenewalTests : IDisposable
{
    private readonly TestAuthority _authority = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static IPEndPoint Loopback => new(IPAddress.Loopback, 0);

    public void Dispose() => _authority.Dispose();

    [Fact]
    public async Task RenewAsync_ReachesTheHandler_WithTheCertificateThatWasProven()
    {
        string? proven = null;
        await using LinkListener listener = LinkListener.Start(Loopback, _authority.Node("b"), new LinkOptions(), renewal: async (peer, stream, cancel) =>
        {
            proven = peer.SerialNumber;
            await stream.WriteAsync(new byte[] { 42 }, cancel);
        });
        LinkCredentials self = _authority.Node("a");
        await using Enrolment renewal = await LinkConnector.RenewAsync(listener.LocalEndPoint, TestAuthority.UriOf("b"), self, new LinkOptions(), Token);
        byte[] answer = new byte[1];
        await renewal.Stream.ReadExactlyAsync(answer, Token);
        Assert.Equal(42, answer[0]);
        Assert.Equal(self.Certificate.SerialNumber, proven);
        Assert.Equal(0, await renewal.Stream.ReadAsync(answer, Token));
    }

    [Fact]
    public async Task RenewAsync_Fails_WhenNobodyRenewsThere()
    {
        await using LinkListener listener = LinkListener.Start(Loopback, _authority.Node("b"), new LinkOptions());
        LinkException e = await Assert.ThrowsAsync<LinkException>(async () => await LinkConnector.RenewAsync(listener.LocalEndPoint, TestAuthority.UriOf("b"), _authority.Node("a"), new LinkOptions(), Token));
        Assert.Equal(LinkFault.AuthenticationFailed, e.Fault);
    }

    [Fact]
    public async Task RenewAsync_Fails_WhenTheListenerIsAnother()
    {
        await using LinkListener listener = LinkListener.Start(Loopback, _authority.Node("b"), new LinkOptions(), renewal: (_, _, _) => Task.CompletedTask);
        LinkException e = await Assert.ThrowsAsync<LinkException>(async () => await LinkConnector.RenewAsync(listener.LocalEndPoint, TestAuthority.UriOf("c"), _authority.Node("a"), new LinkOptions(), Token));
        Assert.Equal(LinkFault.AuthenticationFailed, e.Fault);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Handler_IsNotReached_WhenTheCertificateIsRevokedOrForeign(bool isRevoked)
    {
        using var foreign = new TestAuthority();
        bool reached = false;
        await using LinkListener listener = LinkListener.Start(
            Loopback, _authority.Node("b") with { IsRevoked = _ => isRevoked }, new LinkOptions(), renewal: (_, _, _) => Task.FromResult(reached = true));
        X509Certificate2 certificate = isRevoked ? _authority.Issue(TestAuthority.UriOf("a")) : foreign.Issue(TestAuthority.UriOf("a"));
        try
        {
            await using Enrolment renewal = await LinkConnector.RenewAsync(listener.LocalEndPoint, TestAuthority.UriOf("b"), new LinkCredentials(certificate, _authority.Certificate), new LinkOptions(), Token);
            Assert.Equal(0, await renewal.Stream.ReadAsync(new byte[1], Token));
        }
        catch (Exception e) when (e is LinkException or IOException)
        {
            // In TLS 1.3 the listener may refuse before or after the connector is done.
        }

        Assert.False(reached);
    }

    [Fact]
    public async Task Listener_UsesReplacedCredentials_ForTheNextHandshake_AndOpenLinksGoOn()
    {
        var source = new CredentialSource(_authority.Node("b"));
        await using LinkListener listener = LinkListener.Start(Loopback, source, new LinkOptions());
        await using SealedLink before = await LinkConnector.ConnectAsync(listener.LocalEndPoint, TestAuthority.UriOf("b"), _authority.Node("a"), new LinkOptions(), Token);
        await using SealedLink far = await listener.AcceptAsync(Token);
        byte[] first = source.Current.Certificate.RawData;
        Assert.Equal(first, before.PeerCertificate.ToArray());

        source.Replace(_authority.Node("b"));
        await using SealedLink after = await LinkConnector.ConnectAsync(listener.LocalEndPoint, TestAuthority.UriOf("b"), _authority.Node("a"), new LinkOptions(), Token);
        Assert.Equal(source.Current.Certificate.RawData, after.PeerCertificate.ToArray());
        Assert.NotEqual(first, after.PeerCertificate.ToArray());
        Task<ReceiveStatus> answering = far.ReceiveAsync(Token).AsTask();
        Task<ReceiveStatus> receiving = before.ReceiveAsync(Token).AsTask();
        Assert.True(await before.ProbeAsync(Token) > TimeSpan.Zero);
        await before.DisposeAsync();
        Assert.Equal(ReceiveStatus.Closed, await answering);
        await Assert.ThrowsAsync<LinkException>(() => receiving);
    }
}
