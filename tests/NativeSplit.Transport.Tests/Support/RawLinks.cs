using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using NativeSplit.Transport.Handshakes;
using NativeSplit.Transport.Links;
using NativeSplit.Transport.Pipes;
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
        (SealedLink near, RawEnd far) = await OpenHalfAsync(authority, limitBytes, new LinkOptions());
        return (near, far.Keys.Link(connector: false, far.Data, new ControlConnection(new SocketConnection(far.Control), far.Tls), limitBytes, new LinkOptions()));
    }

    /// <summary>One end of a link, the connector's; the test itself plays the other.</summary>
    public static async Task<(SealedLink Near, RawEnd Far)> OpenHalfAsync(TestAuthority authority, long limitBytes, LinkOptions options)
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
        var keys = new RawKeys(LinkKeys.Derive(CipherSuites.Aes256Gcm, new byte[32], new byte[32], new byte[32]));
        SealedLink link = keys.Link(connector: true, nearData, new ControlConnection(new SocketConnection(near), nearTls), limitBytes, options);
        return (link, new RawEnd(farData, far, farTls, keys));
    }

    /// <summary>Keys of a link put together by hand.</summary>
    internal sealed record RawKeys(LinkKeys Keys)
    {
        public SealedLink Link(bool connector, Socket data, ControlConnection control, long limitBytes, LinkOptions options) => new(
            TestAuthority.UriOf(connector ? "b" : "a"),
            CipherSuites.Aes256Gcm,
            new SocketConnection(data),
            control,
            new FrameSealer(Keys.CreateCipher(fromConnector: connector), connectionId: 1, limitBytes),
            new FrameOpener(Keys.CreateCipher(fromConnector: !connector), connectionId: 1, maxPayloadBytes: 10_000),
            Keys.CreateChain(fromConnector: connector),
            Keys.CreateChain(fromConnector: !connector),
            options);
    }

    /// <summary>The listener's end, bare: its two connections and the keys.</summary>
    internal sealed record RawEnd(Socket Data, Socket Control, SslStream Tls, RawKeys Keys) : IDisposable
    {
        public async Task<(ControlKind Kind, ulong Number, byte[] Secret)> ReadControlAsync()
        {
            byte[] message = new byte[ControlMessage.Bytes];
            await Tls.ReadExactlyAsync(message, TestContext.Current.CancellationToken);
            Assert.True(ControlMessage.TryParse(message, out ControlKind kind, out ulong number));
            return (kind, number, message[ControlMessage.SecretOffset..]);
        }

        public async Task WriteControlAsync(ControlKind kind, ulong number, byte[] secret)
        {
            byte[] message = new byte[ControlMessage.Bytes];
            ControlMessage.Format(kind, number, secret, message);
            await Tls.WriteAsync(message, TestContext.Current.CancellationToken);
        }

        public void Dispose()
        {
            Tls.Dispose();
            Data.Dispose();
        }
    }
}
