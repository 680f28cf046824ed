using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using NativeSplit.Transport.Handshakes;
using NativeSplit.Transport.Links;
using NativeSplit.Transport.Sealing;

namespace NativeSplit.Transport.Tests.Support;

/// <summary>Two ends of a link put together by hand, for what a handshake never agrees on.</summary>
internal static class RawLinks
{
    /// <summary>A connected pair of sockets.</summary>
    public static async Task<(Socket Near, Socket Far)> SocketsAsync()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        Socket near = await LinkPair.DialAsync(listener.LocalEndpoint);
        return (near, await listener.AcceptSocketAsync(TestContext.Current.CancellationToken));
    }

    /// <summary>A link whose keys may seal few bytes.</summary>
    public static async Task<(SealedLink Near, SealedLink Far)> OpenAsync(TestAuthority authority, long limitBytes)
    {
        CancellationToken token = TestContext.Current.CancellationToken;
        (Socket near, Socket far) = await SocketsAsync();
        (Socket nearData, Socket farData) = await SocketsAsync();
        var nearTls = new SslStream(new NetworkStream(near));
        var farTls = new SslStream(new NetworkStream(far));
        await Task.WhenAll(
            nearTls.AuthenticateAsClientAsync(
                TlsRules.ForConnector(authority.Node("a").CreateContext(), TlsRules.LinkProtocol, new PeerCheck(authority.Certificate, null)), token),
            farTls.AuthenticateAsServerAsync(
                TlsRules.ForListener(authority.Node("b").CreateContext(), TlsRules.LinkProtocol, new PeerCheck(authority.Certificate, null)), token));
        using LinkKeys keys = LinkKeys.Derive(CipherSuites.Aes256Gcm, new byte[32], new byte[32], new byte[32]);
        return (Make(connector: true, nearData, near, nearTls), Make(connector: false, farData, far, farTls));

        SealedLink Make(bool connector, Socket data, Socket control, SslStream tls) => new(
            TestAuthority.UriOf(connector ? "b" : "a"),
            CipherSuites.Aes256Gcm,
            data,
            new ControlConnection(control, tls),
            new FrameSealer(keys.CreateCipher(fromConnector: connector), connectionId: 1, limitBytes),
            new FrameOpener(keys.CreateCipher(fromConnector: !connector), connectionId: 1, maxPayloadBytes: 10_000),
            TimeSpan.FromSeconds(1));
    }
}
