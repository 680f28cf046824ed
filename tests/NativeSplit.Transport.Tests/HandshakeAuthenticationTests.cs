using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using NativeSplit.Transport.Frames;
using NativeSplit.Transport.Handshakes;
using NativeSplit.Transport.Links;
using NativeSplit.Transport.Tests.Support;

namespace NativeSplit.Transport.Tests;

/// <summary>Who gets a link and who doesn't.</summary>
public sealed class HandshakeAuthenticationTests : IAsyncDisposable
{
    private const int Timeout = 60_000;

    private readonly TestAuthority _authority = new();
    private readonly TestAuthority _foreign = new();
    private readonly LinkListener _listener;

    public HandshakeAuthenticationTests() => _listener = LinkListener.Start(LinkPair.AnyPort, _authority.Node("b"), new LinkOptions());

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        await _listener.DisposeAsync();
        _authority.Dispose();
        _foreign.Dispose();
    }

    [Fact(Timeout = Timeout)]
    public async Task ConnectAsync_Fails_WhenThePeerHasAnotherName()
    {
        LinkException e = await ConnectFailsAsync(_authority.Node("a"), expectedPeer: "c");
        Assert.Equal(LinkFault.AuthenticationFailed, e.Fault);
        Assert.Contains(TestAuthority.UriOf("b"), e.Message, StringComparison.Ordinal);
        await StillAcceptsAsync(failures: 1);
    }

    [Fact(Timeout = Timeout)]
    public async Task ConnectAsync_Fails_WhenTheListenerIsOfAnotherAuthority()
    {
        LinkException e = await ConnectFailsAsync(new LinkCredentials(_authority.Issue(TestAuthority.UriOf("a")), _foreign.Certificate));
        Assert.Equal(LinkFault.AuthenticationFailed, e.Fault);
        await StillAcceptsAsync(failures: 1);
    }

    [Fact(Timeout = Timeout)]
    public async Task AcceptAsync_SkipsThePeer_WhenItIsOfAnotherAuthority()
    {
        LinkException e = await ConnectFailsAsync(new LinkCredentials(_foreign.Issue(TestAuthority.UriOf("a")), _authority.Certificate));
        Assert.Equal(LinkFault.AuthenticationFailed, e.Fault);
        await StillAcceptsAsync(failures: 1, LinkFault.AuthenticationFailed);
    }

    [Theory(Timeout = Timeout)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AcceptAsync_SkipsThePeer_WhenItsCertificateIsRevokedOrCannotBeJudged(bool throws)
    {
        LinkCredentials peer = _authority.Node("a");
        LinkCredentials own = _authority.Node("b") with
        {
            IsRevoked = certificate => throws ? throw new InvalidTimeZoneException() : certificate.SerialNumber == peer.Certificate.SerialNumber,
        };
        await using LinkListener listener = LinkListener.Start(LinkPair.AnyPort, own, new LinkOptions());
        LinkException e = await Assert.ThrowsAsync<LinkException>(
            async () => await LinkConnector.ConnectAsync(listener.LocalEndPoint, TestAuthority.UriOf("b"), peer, new LinkOptions(), Token));
        Assert.Equal(LinkFault.AuthenticationFailed, e.Fault);
        await LinkPair.UntilAsync(() => listener.FailedHandshakes.ContainsKey(LinkFault.AuthenticationFailed));
    }

    [Fact(Timeout = Timeout)]
    public async Task ConnectAsync_Fails_WhenTheListenersCertificateIsRevoked()
    {
        LinkException e = await ConnectFailsAsync(_authority.Node("a") with { IsRevoked = _ => true });
        Assert.Equal(LinkFault.AuthenticationFailed, e.Fault);
        Assert.Contains("revoked", e.Message, StringComparison.Ordinal);
        await StillAcceptsAsync(failures: 1);
    }

    [Fact(Timeout = Timeout)]
    public async Task AcceptAsync_SkipsThePeer_WhenItsCertificateIsSelfSigned()
    {
        using X509Certificate2 self = TestAuthority.SelfSigned(TestAuthority.UriOf("a"));
        LinkException e = await ConnectFailsAsync(new LinkCredentials(self, _authority.Certificate));
        Assert.Equal(LinkFault.AuthenticationFailed, e.Fault);
        await StillAcceptsAsync(failures: 1, LinkFault.AuthenticationFailed);
    }

    [Theory(Timeout = Timeout)]
    [InlineData(-3, -1)]
    [InlineData(1, 3)]
    public async Task AcceptAsync_SkipsThePeer_WhenItsCertificateIsNotValidNow(int fromDays, int toDays)
    {
        X509Certificate2 certificate = _authority.IssueFor(
            DateTimeOffset.UtcNow.AddDays(fromDays), DateTimeOffset.UtcNow.AddDays(toDays), TestAuthority.UriOf("a"));
        LinkException e = await ConnectFailsAsync(new LinkCredentials(certificate, _authority.Certificate));
        Assert.Equal(LinkFault.AuthenticationFailed, e.Fault);
        await StillAcceptsAsync(failures: 1, LinkFault.AuthenticationFailed);
    }

    [Theory(Timeout = Timeout)]
    [InlineData("")]
    [InlineData("spiffe://nativesplit.test/node/a spiffe://nativesplit.test/node/b")]
    [InlineData("https://nativesplit.test/node/a")]
    public async Task AcceptAsync_SkipsThePeer_WhenItsCertificateHasNotOneSpiffeName(string names)
    {
        string[] uris = names.Split(' ', StringSplitOptions.RemoveEmptyEntries);

        // Our connector refuses to start with such a certificate, so a bare TLS client brings it.
        X509Certificate2 certificate = _authority.Issue(uris);
        await Assert.ThrowsAsync<ArgumentException>(async () => await LinkConnector.ConnectAsync(
            _listener.LocalEndPoint, TestAuthority.UriOf("b"), new LinkCredentials(certificate, _authority.Certificate), new LinkOptions(), Token));
        await BareClientFailsAsync(certificate, SslProtocols.Tls13, TlsRules.LinkProtocol);
        await StillAcceptsAsync(failures: 1, LinkFault.AuthenticationFailed);
    }

    [Fact(Timeout = Timeout)]
    public async Task AcceptAsync_SkipsThePeer_WhenItSpeaksTls12()
    {
        await BareClientFailsAsync(_authority.Issue(TestAuthority.UriOf("a")), SslProtocols.Tls12, TlsRules.LinkProtocol);
        await StillAcceptsAsync(failures: 1, LinkFault.AuthenticationFailed);
    }

    [Fact(Timeout = Timeout)]
    public async Task AcceptAsync_SkipsThePeer_WhenItHasNoCertificate()
    {
        await BareClientFailsAsync(certificate: null, SslProtocols.Tls13, TlsRules.LinkProtocol);
        await StillAcceptsAsync(failures: 1, LinkFault.AuthenticationFailed);
    }

    [Fact(Timeout = Timeout)]
    public async Task AcceptAsync_SkipsThePeer_WhenItNamesNoProtocolOrAnother()
    {
        await BareClientFailsAsync(_authority.Issue(TestAuthority.UriOf("a")), SslProtocols.Tls13, TlsRules.EnrolmentProtocol);
        await BareClientFailsAsync(_authority.Issue(TestAuthority.UriOf("a")), SslProtocols.Tls13, protocol: null);
        await StillAcceptsAsync(failures: 2, LinkFault.AuthenticationFailed);
    }

    [Fact(Timeout = Timeout)]
    public async Task ConnectAsync_SaysUnreachable_WhenNobodyListens()
    {
        IPEndPoint gone = _listener.LocalEndPoint;
        await _listener.DisposeAsync();
        LinkException e = await Assert.ThrowsAsync<LinkException>(async () => await LinkConnector.ConnectAsync(
            gone, TestAuthority.UriOf("b"), _authority.Node("a"), new LinkOptions(), Token));
        Assert.Equal(LinkFault.Unreachable, e.Fault);
    }

    [Fact(Timeout = Timeout)]
    public async Task ConnectAsync_ResolvesTheName_WhenGivenADnsEndPoint()
    {
        await using SealedLink link = await LinkConnector.ConnectAsync(
            new DnsEndPoint("localhost", _listener.LocalEndPoint.Port), TestAuthority.UriOf("b"), _authority.Node("a"), new LinkOptions(), Token);
        await using SealedLink other = await _listener.AcceptAsync(Token);
        await link.SendAsync(FrameType.Control, default, new byte[4], Token);
        Assert.Equal(ReceiveStatus.Frame, await other.ReceiveAsync(Token));
    }

    private async Task<LinkException> ConnectFailsAsync(LinkCredentials credentials, string expectedPeer = "b") =>
        await Assert.ThrowsAsync<LinkException>(async () => await LinkConnector.ConnectAsync(
            _listener.LocalEndPoint, TestAuthority.UriOf(expectedPeer), credentials, new LinkOptions(), Token));

    private async Task BareClientFailsAsync(X509Certificate2? certificate, SslProtocols version, SslApplicationProtocol? protocol)
    {
        using Socket socket = await LinkPair.DialAsync(_listener.LocalEndPoint);
        await RawWire.WriteAsync(socket, new Preamble(ConnectionKind.Control).ToArray(), Token);
        await RawWire.ReadExactlyAsync(socket, new byte[Preamble.Bytes], Token);
        await using var tls = new SslStream(new NetworkStream(socket));
        var options = new SslClientAuthenticationOptions
        {
            TargetHost = string.Empty,
            EnabledSslProtocols = version,
            ClientCertificateContext = certificate is null ? null : SslStreamCertificateContext.Create(certificate, null, offline: true),
            ApplicationProtocols = protocol is { } name ? [name] : null,
            // This client is the attacker: it takes any listener.
            RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is not null,
        };
        await Assert.ThrowsAnyAsync<Exception>(async () =>
        {
            await tls.AuthenticateAsClientAsync(options, Token);
            await tls.WriteAsync(new byte[Hello.Bytes], Token);
            await tls.ReadExactlyAsync(new byte[1], Token);
        });
        Token.ThrowIfCancellationRequested();
    }

    private async Task StillAcceptsAsync(int failures, LinkFault? reason = null)
    {
        await LinkPair.UntilAsync(() => _listener.FailedHandshakes.Values.Sum() >= failures);
        Assert.Equal(failures, reason is { } fault ? _listener.FailedHandshakes[fault] : _listener.FailedHandshakes.Values.Sum());
        await using SealedLink near = await LinkConnector.ConnectAsync(
            _listener.LocalEndPoint, TestAuthority.UriOf("b"), _authority.Node("good"), new LinkOptions(), Token);
        await using SealedLink far = await _listener.AcceptAsync(Token);
        Assert.Equal(TestAuthority.UriOf("good"), far.Peer);
    }
}
