using System.Net;
using System.Net.Sockets;
using NativeSplit.Transport.Frames;
using NativeSplit.Transport.Handshakes;
using NativeSplit.Transport.Links;
using NativeSplit.Transport.Tests.Support;

namespace NativeSplit.Transport.Tests;

/// <summary>Strangers, stalled and broken handshakes: bounded, counted, and of no harm to others.</summary>
public sealed class HandshakeStallTests
{
    private const int Timeout = 60_000;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = Timeout)]
    public async Task AcceptAsync_StillServesOthers_WhenManyHandshakesStall()
    {
        var options = new LinkOptions { MaxPendingHandshakes = 8, HandshakeTimeout = TimeSpan.FromMinutes(5) };
        using var authority = new TestAuthority();
        await using LinkListener listener = LinkListener.Start(LinkPair.AnyPort, authority.Node("b"), options);
        var stalled = new List<Socket>();
        try
        {
            for (int i = 0; i < 100; i++)
            {
                // One third says nothing, one third half a preamble, one third stops inside TLS.
                Socket socket = await LinkPair.DialAsync(listener.LocalEndPoint);
                stalled.Add(socket);
                byte[] opening = new Preamble(ConnectionKind.Control).ToArray();
                await RawWire.WriteAsync(socket, opening.AsMemory(0, (i % 3) * 4), Token);
            }

            await LinkPair.UntilAsync(() => listener.FailedHandshakes.GetValueOrDefault(LinkFault.TimedOut) == 92);
            Assert.Equal(8, listener.PendingHandshakes);
            await using SealedLink near = await LinkConnector.ConnectAsync(
                listener.LocalEndPoint, TestAuthority.UriOf("b"), authority.Node("a"), options, Token);
            await using SealedLink far = await listener.AcceptAsync(Token);
            await near.SendAsync(FrameType.Control, default, new byte[3], Token);
            Assert.Equal(ReceiveStatus.Frame, await far.ReceiveAsync(Token));
            Assert.InRange(listener.PendingHandshakes, 1, 8);
        }
        finally
        {
            stalled.ForEach(socket => socket.Dispose());
        }
    }

    [Theory(Timeout = Timeout)]
    [InlineData(0)]
    [InlineData(5)]
    [InlineData(8)]
    public async Task Listener_DropsThePeer_WhenItsTimeIsOver(int bytes)
    {
        var options = new LinkOptions { HandshakeTimeout = TimeSpan.FromMilliseconds(200) };
        using var authority = new TestAuthority();
        await using LinkListener listener = LinkListener.Start(LinkPair.AnyPort, authority.Node("b"), options);
        using Socket socket = await LinkPair.DialAsync(listener.LocalEndPoint);
        await RawWire.WriteAsync(socket, new Preamble(ConnectionKind.Control).ToArray().AsMemory(0, bytes), Token);

        byte[] answer = await LinkPair.ReadToEndAsync(socket);

        Assert.Equal(bytes == Preamble.Bytes ? Preamble.Bytes : 0, answer.Length);
        await LinkPair.UntilAsync(() => listener.FailedHandshakes.GetValueOrDefault(LinkFault.TimedOut) == 1);
        Assert.Equal(0, listener.PendingHandshakes);
    }

    [Fact(Timeout = Timeout)]
    public async Task Listener_DropsThePeer_WhenTheDataConnectionNeverComes()
    {
        var options = new LinkOptions { HandshakeTimeout = TimeSpan.FromMilliseconds(500) };
        await using Strays strays = await Strays.OpenAsync(options, passData: false);
        LinkException e = await Assert.ThrowsAsync<LinkException>(strays.ConnectAsync);
        Assert.True(e.Fault is LinkFault.TimedOut or LinkFault.Closed, e.Message);
        await LinkPair.UntilAsync(() => strays.Listener.FailedHandshakes.GetValueOrDefault(LinkFault.TimedOut) == 1);
    }

    [Theory(Timeout = Timeout)]
    [InlineData("474554202f20485454502f312e310d0a0d0a", LinkFault.Malformed)]
    [InlineData("4e53504c01050000", LinkFault.Malformed)]
    [InlineData("4e53504c01000000", LinkFault.Malformed)]
    [InlineData("4e53504c01010100", LinkFault.Malformed)]
    [InlineData("4e53504c01010001", LinkFault.Malformed)]
    [InlineData("4e53504c02010000", LinkFault.VersionMismatch)]
    [InlineData("4e53504c0101", LinkFault.Closed)]
    [InlineData("", LinkFault.Closed)]
    [InlineData("4e53504c01020000" + "0000000000000000" + "00000000000000000000000000000000" + "00000000000000000000000000000000", LinkFault.AuthenticationFailed)]
    [InlineData("4e53504c01030000", LinkFault.AuthenticationFailed)]
    [InlineData("4e53504c01040000", LinkFault.AuthenticationFailed)]
    public async Task Listener_CountsTheReason_WhenAStrangerOpens(string opening, LinkFault fault)
    {
        using var authority = new TestAuthority();
        await using LinkListener listener = LinkListener.Start(LinkPair.AnyPort, authority.Node("b"), new LinkOptions());
        using Socket socket = await LinkPair.DialAsync(listener.LocalEndPoint);
        await RawWire.WriteAsync(socket, Convert.FromHexString(opening), Token);
        socket.Shutdown(SocketShutdown.Send);

        byte[] answer = await LinkPair.ReadToEndAsync(socket);

        await LinkPair.UntilAsync(() => listener.FailedHandshakes.Count > 0);
        Assert.Equal([KeyValuePair.Create(fault, 1L)], listener.FailedHandshakes);
        bool told = fault == LinkFault.VersionMismatch || opening.StartsWith("4e53504c0103", StringComparison.Ordinal) || opening.StartsWith("4e53504c0104", StringComparison.Ordinal);
        Assert.Equal(told ? Preamble.Bytes : 0, answer.Length);
    }

    [Theory(Timeout = Timeout)]
    [InlineData("4e53504c02010000", LinkFault.VersionMismatch)]
    [InlineData("4e53504c01010400", LinkFault.VersionMismatch)]
    [InlineData("4e53504c01030000", LinkFault.Malformed)]
    [InlineData("485454502f312e31", LinkFault.Malformed)]
    [InlineData("4e53504c", LinkFault.Closed)]
    [InlineData("4e53504c01010000" + "15030300020228", LinkFault.AuthenticationFailed)]
    public async Task ConnectAsync_SaysWhy_WhenSomethingElseAnswers(string answer, LinkFault fault)
    {
        using var authority = new TestAuthority();
        using var stranger = new TcpListener(IPAddress.Loopback, 0);
        stranger.Start();
        Task serving = AnswerAsync(stranger, Convert.FromHexString(answer));
        LinkException e = await Assert.ThrowsAsync<LinkException>(async () => await LinkConnector.ConnectAsync(
            (IPEndPoint)stranger.LocalEndpoint, TestAuthority.UriOf("b"), authority.Node("a"), new LinkOptions(), Token));
        Assert.Equal(fault, e.Fault);
        await serving;
    }

    [Fact(Timeout = Timeout)]
    public async Task ConnectAsync_SaysTimedOut_WhenNobodyAnswersTheGreeting()
    {
        using var authority = new TestAuthority();
        using var mute = new TcpListener(IPAddress.Loopback, 0);
        mute.Start();
        LinkException e = await Assert.ThrowsAsync<LinkException>(async () => await LinkConnector.ConnectAsync(
            (IPEndPoint)mute.LocalEndpoint,
            TestAuthority.UriOf("b"),
            authority.Node("a"),
            new LinkOptions { HandshakeTimeout = TimeSpan.FromMilliseconds(200) },
            Token));
        Assert.Equal(LinkFault.TimedOut, e.Fault);

        using var cancel = new CancellationTokenSource(TimeSpan.FromMilliseconds(100));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await LinkConnector.ConnectAsync(
            (IPEndPoint)mute.LocalEndpoint, TestAuthority.UriOf("b"), authority.Node("a"), new LinkOptions(), cancel.Token));
    }

    [Fact(Timeout = Timeout)]
    public async Task Start_SaysWhichPort_WhenItIsInUse()
    {
        using var authority = new TestAuthority();
        await using LinkListener first = LinkListener.Start(LinkPair.AnyPort, authority.Node("b"), new LinkOptions());
        LinkException e = Assert.Throws<LinkException>(() => LinkListener.Start(first.LocalEndPoint, authority.Node("b"), new LinkOptions()));
        Assert.Equal(LinkFault.AddressUnavailable, e.Fault);
        Assert.Contains($"Port {first.LocalEndPoint.Port} is in use", e.Message, StringComparison.Ordinal);
        Assert.Contains("--listen", e.Message, StringComparison.Ordinal);
        e = Assert.Throws<LinkException>(
            () => LinkListener.Start(new IPEndPoint(IPAddress.Parse("203.0.113.7"), 0), authority.Node("b"), new LinkOptions()));
        Assert.Equal(LinkFault.AddressUnavailable, e.Fault);
    }

    [Fact]
    public void Start_Refuses_WhenTheOptionsMakeNoSense()
    {
        using var authority = new TestAuthority();
        foreach (LinkOptions options in (LinkOptions[])[
            new() { MaxPayloadBytes = 63 },
            new() { MaxPayloadBytes = (1 << 30) + 1 },
            new() { HandshakeTimeout = TimeSpan.Zero },
            new() { CloseTimeout = TimeSpan.FromDays(2) },
            new() { MaxPendingHandshakes = 0 }])
        {
            Assert.Throws<ArgumentOutOfRangeException>(() => LinkListener.Start(LinkPair.AnyPort, authority.Node("b"), options));
        }
    }

    private static async Task AnswerAsync(TcpListener listener, byte[] answer)
    {
        using Socket socket = await listener.AcceptSocketAsync(Token);
        await RawWire.ReadExactlyAsync(socket, new byte[Preamble.Bytes], Token);
        await RawWire.WriteAsync(socket, answer, Token);
        socket.Shutdown(SocketShutdown.Send);
        await LinkPair.ReadToEndAsync(socket);
    }

    /// <summary>A listener whose data connections get lost on the way.</summary>
    private sealed class Strays : IAsyncDisposable
    {
        private readonly TestAuthority _authority = new();
        private readonly LinkOptions _options;
        private readonly TcpListener _between = new(IPAddress.Loopback, 0);
        private readonly List<Socket> _sockets = [];

        private Strays(LinkOptions options)
        {
            _options = options;
            Listener = LinkListener.Start(LinkPair.AnyPort, _authority.Node("b"), options);
            _between.Start();
        }

        public LinkListener Listener { get; }

        public static Task<Strays> OpenAsync(LinkOptions options, bool passData)
        {
            var strays = new Strays(options);
            _ = strays.RelayAsync(passData);
            return Task.FromResult(strays);
        }

        public async Task ConnectAsync() => await LinkConnector.ConnectAsync(
            _between.LocalEndpoint, TestAuthority.UriOf("b"), _authority.Node("a"), _options, Token);

        public async ValueTask DisposeAsync()
        {
            _between.Dispose();
            _sockets.ForEach(socket => socket.Dispose());
            await Listener.DisposeAsync();
            _authority.Dispose();
        }

        private async Task RelayAsync(bool passData)
        {
            Socket near = await _between.AcceptSocketAsync(Token);
            Socket far = await LinkPair.DialAsync(Listener.LocalEndPoint);
            _sockets.AddRange([near, far]);
            Task both = Task.WhenAll(CopyAsync(near, far), CopyAsync(far, near));
            if (!passData)
            {
                _sockets.Add(await _between.AcceptSocketAsync(Token));
            }

            await both;
        }

        private static async Task CopyAsync(Socket from, Socket to)
        {
            await using var source = new NetworkStream(from);
            await using var target = new NetworkStream(to);
            try
            {
                await source.CopyToAsync(target, Token);
            }
            catch (IOException)
            {
                // One side is gone.
            }
        }
    }
}
