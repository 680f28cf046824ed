using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using NativeSplit.Transport.Handshakes;
using NativeSplit.Transport.Links;
using NativeSplit.Transport.Tests.Support;

namespace NativeSplit.Transport.Tests;

/// <summary>Enrolment of peers without a certificate.</summary>
public sealed class EnrolmentTests : IDisposable
{
    private const int Timeout = 60_000;

    private readonly TestAuthority _authority = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private byte[] Hash => SHA256.HashData(_authority.Certificate.RawData);

    public void Dispose() => _authority.Dispose();

    [Fact(Timeout = Timeout)]
    public async Task EnrolAsync_ReachesTheHandler_WhenTheHashFits()
    {
        await using LinkListener listener = Start(EchoAsync);
        await using Enrolment enrolment = await LinkConnector.EnrolAsync(listener.LocalEndPoint, Hash, new LinkOptions(), Token);
        await enrolment.Stream.WriteAsync(new byte[] { 1, 2, 3 }, Token);
        byte[] answer = new byte[3];
        await enrolment.Stream.ReadExactlyAsync(answer, Token);

        Assert.Equal([1, 2, 3], answer);
        Assert.Equal(TestAuthority.UriOf("b"), enrolment.Peer);
        Assert.Equal(_authority.Certificate.RawData, enrolment.Authority.RawData);
        Assert.Equal(0, await enrolment.Stream.ReadAsync(answer, Token));
        Assert.Empty(listener.FailedHandshakes);
    }

    [Fact(Timeout = Timeout)]
    public async Task EnrolAsync_Fails_WhenTheAuthorityHasAnotherHash()
    {
        await using LinkListener listener = Start(EchoAsync);
        byte[] hash = Hash;
        hash[31] ^= 1;
        LinkException e = await Assert.ThrowsAsync<LinkException>(
            async () => await LinkConnector.EnrolAsync(listener.LocalEndPoint, hash, new LinkOptions(), Token));
        Assert.Equal(LinkFault.AuthenticationFailed, e.Fault);
        Assert.Contains("join token", e.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(
            async () => await LinkConnector.EnrolAsync(listener.LocalEndPoint, new byte[31], new LinkOptions(), Token));
    }

    [Fact(Timeout = Timeout)]
    public async Task EnrolAsync_Fails_WhenSomebodyShowsTheRightAuthorityWithoutItsKey()
    {
        // A thief of the public authority certificate answers with it, but holds a certificate of another one.
        using var foreign = new TestAuthority();
        var credentials = new LinkCredentials(foreign.Issue(TestAuthority.UriOf("b")), _authority.Certificate);
        await using LinkListener thief = LinkListener.Start(LinkPair.AnyPort, credentials, new LinkOptions(), EchoAsync);
        LinkException e = await Assert.ThrowsAsync<LinkException>(
            async () => await LinkConnector.EnrolAsync(thief.LocalEndPoint, Hash, new LinkOptions(), Token));
        Assert.Equal(LinkFault.AuthenticationFailed, e.Fault);
    }

    [Fact(Timeout = Timeout)]
    public async Task EnrolAsync_Fails_WhenNobodyEnrolsThere()
    {
        await using LinkListener listener = Start(handler: null);
        LinkException e = await Assert.ThrowsAsync<LinkException>(
            async () => await LinkConnector.EnrolAsync(listener.LocalEndPoint, Hash, new LinkOptions(), Token));
        Assert.Equal(LinkFault.AuthenticationFailed, e.Fault);
        await LinkPair.UntilAsync(() => listener.FailedHandshakes.GetValueOrDefault(LinkFault.AuthenticationFailed) == 1);
    }

    [Theory(Timeout = Timeout)]
    [InlineData(0u)]
    [InlineData(16385u)]
    [InlineData(uint.MaxValue)]
    public async Task EnrolAsync_JudgesTheLengthFirst_WhenItIsAbsurd(uint length)
    {
        using var liar = new TcpListener(IPAddress.Loopback, 0);
        liar.Start();
        Task serving = ServeAsync();
        LinkException e = await Assert.ThrowsAsync<LinkException>(
            async () => await LinkConnector.EnrolAsync((IPEndPoint)liar.LocalEndpoint, Hash, new LinkOptions(), Token));
        Assert.Equal(LinkFault.Malformed, e.Fault);
        await serving;

        async Task ServeAsync()
        {
            using Socket socket = await liar.AcceptSocketAsync(Token);
            await RawWire.ReadExactlyAsync(socket, new byte[Preamble.Bytes], Token);
            await RawWire.WriteAsync(socket, (byte[])[.. new Preamble(ConnectionKind.Enrolment).ToArray(), .. BitConverter.GetBytes(length)], Token);
            await LinkPair.ReadToEndAsync(socket);
        }
    }

    [Fact(Timeout = Timeout)]
    public async Task Listener_CutsTheStream_WhenTheHandlerOutstaysItsTime()
    {
        var options = new LinkOptions { EnrolmentTimeout = TimeSpan.FromMilliseconds(500) };
        await using LinkListener listener = LinkListener.Start(
            LinkPair.AnyPort, _authority.Node("b"), options, async (stream, _) => await stream.ReadExactlyAsync(new byte[1], CancellationToken.None));
        await using Enrolment enrolment = await LinkConnector.EnrolAsync(listener.LocalEndPoint, Hash, options, Token);
        byte[] one = new byte[1];
        try
        {
            Assert.Equal(0, await enrolment.Stream.ReadAsync(one, Token));
        }
        catch (IOException)
        {
            // Cut is cut.
        }

        await LinkPair.UntilAsync(() => listener.FailedHandshakes.Values.Sum() == 1 && listener.PendingHandshakes == 0);
    }

    [Fact(Timeout = Timeout)]
    public async Task Listener_ServesOthers_WhenAHandlerThrows()
    {
        int calls = 0;
        await using LinkListener listener = Start(async (stream, token) =>
        {
            if (Interlocked.Increment(ref calls) == 1)
            {
                throw new InvalidTimeZoneException();
            }

            await EchoAsync(stream, token);
        });
        await using (Enrolment first = await LinkConnector.EnrolAsync(listener.LocalEndPoint, Hash, new LinkOptions(), Token))
        {
            await LinkPair.UntilAsync(() => listener.FailedHandshakes.GetValueOrDefault(LinkFault.Malformed) == 1);
        }

        await using Enrolment second = await LinkConnector.EnrolAsync(listener.LocalEndPoint, Hash, new LinkOptions(), Token);
        await second.Stream.WriteAsync(new byte[3], Token);
        await second.Stream.ReadExactlyAsync(new byte[3], Token);
    }

    [Fact(Timeout = Timeout)]
    public async Task Listener_PushesOutTheOldest_WhenEnrolmentsStall()
    {
        var options = new LinkOptions { MaxPendingEnrolments = 2 };
        await using LinkListener listener = LinkListener.Start(LinkPair.AnyPort, _authority.Node("b"), options, EchoAsync);
        var stalled = new List<Enrolment>();
        for (int i = 0; i < 5; i++)
        {
            stalled.Add(await LinkConnector.EnrolAsync(listener.LocalEndPoint, Hash, options, Token));
        }

        await LinkPair.UntilAsync(() => listener.FailedHandshakes.Values.Sum() == 3);
        Assert.Equal(2, listener.PendingHandshakes);
        await stalled[4].Stream.WriteAsync(new byte[3], Token);
        await stalled[4].Stream.ReadExactlyAsync(new byte[3], Token);
        foreach (Enrolment enrolment in stalled)
        {
            await enrolment.DisposeAsync();
        }
    }

    private static async Task EchoAsync(Stream stream, CancellationToken cancellationToken)
    {
        byte[] three = new byte[3];
        await stream.ReadExactlyAsync(three, cancellationToken);
        await stream.WriteAsync(three, cancellationToken);
    }

    private LinkListener Start(Func<Stream, CancellationToken, Task>? handler) =>
        LinkListener.Start(LinkPair.AnyPort, _authority.Node("b"), new LinkOptions(), handler);
}
