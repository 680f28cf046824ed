using System.Net;
using System.Net.Sockets;
using NativeSplit.Transport.Links;

namespace NativeSplit.Transport.Tests.Support;

/// <summary>Two ends of one link in this process, through real sockets; optionally with somebody in the middle.</summary>
internal sealed class LinkPair : IAsyncDisposable
{
    private LinkPair(TestAuthority authority, LinkListener listener, SealedLink connector, SealedLink acceptor, Relay? relay)
    {
        (Authority, Listener, Connector, Acceptor, Relay) = (authority, listener, connector, acceptor, relay);
    }

    public static IPEndPoint AnyPort => new(IPAddress.Loopback, 0);

    public TestAuthority Authority { get; }

    public LinkListener Listener { get; }

    /// <summary>End "a", which connected.</summary>
    public SealedLink Connector { get; }

    /// <summary>End "b", which listened.</summary>
    public SealedLink Acceptor { get; }

    public Relay? Relay { get; }

    public static async Task<LinkPair> OpenAsync(LinkOptions? options = null, Func<IPEndPoint, Relay>? relay = null, EndPoint? at = null)
    {
        CancellationToken token = TestContext.Current.CancellationToken;
        options ??= new LinkOptions();
        var authority = new TestAuthority();
        LinkListener listener = LinkListener.Start(at ?? AnyPort, authority.Node("b"), options);
        Relay? between = relay?.Invoke(listener.LocalEndPoint);
        ValueTask<SealedLink> accepting = listener.AcceptAsync(token);
        SealedLink connector = await LinkConnector.ConnectAsync(
            between?.EndPoint ?? listener.BoundEndPoint, TestAuthority.UriOf("b"), authority.Node("a"), options, token);
        return new LinkPair(authority, listener, connector, await accepting, between);
    }

    public async ValueTask DisposeAsync()
    {
        await Connector.DisposeAsync();
        await Acceptor.DisposeAsync();
        await Listener.DisposeAsync();
        if (Relay is not null)
        {
            await Relay.DisposeAsync();
        }

        Authority.Dispose();
    }

    /// <summary>A plain socket to a listener.</summary>
    public static async Task<Socket> DialAsync(EndPoint endpoint)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(endpoint, TestContext.Current.CancellationToken);
        return socket;
    }

    /// <summary>Waits until the other end closes, whatever it says before.</summary>
    public static async Task<byte[]> ReadToEndAsync(Socket socket)
    {
        var all = new MemoryStream();
        byte[] buffer = new byte[4096];
        try
        {
            while (await socket.ReceiveAsync(buffer, SocketFlags.None, TestContext.Current.CancellationToken) is > 0 and int received)
            {
                all.Write(buffer, 0, received);
            }
        }
        catch (SocketException)
        {
            // Reset is also an end.
        }

        return all.ToArray();
    }

    /// <summary>Waits until a condition holds; the test's own time-out bounds it.</summary>
    public static async Task UntilAsync(Func<bool> condition)
    {
        while (!condition())
        {
            await Task.Delay(5, TestContext.Current.CancellationToken);
        }
    }
}
