using System.Net.Sockets;
using NativeSplit.Transport.Frames;
using NativeSplit.Transport.Handshakes;
using NativeSplit.Transport.Links;
using NativeSplit.Transport.Tests.Support;

namespace NativeSplit.Transport.Tests;

/// <summary>What links and strangers cost in memory. Counted for the whole process, so nothing else may run meanwhile.</summary>
[Collection(typeof(AloneCollection))]
public sealed class LinkMemoryTests
{
    private const int Timeout = 120_000;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = Timeout)]
    public async Task IdleLink_HoldsLessThanItsCeiling_AtEachEnd()
    {
        const int links = 16;
        const long ceiling = 1_500_000;
        await using LinkPair first = await LinkPair.OpenAsync();
        await ExchangeAsync(first);
        long before = GC.GetTotalMemory(forceFullCollection: true);
        long allocated = GC.GetTotalAllocatedBytes(precise: true);
        var pairs = new List<LinkPair>();
        for (int i = 0; i < links; i++)
        {
            pairs.Add(await LinkPair.OpenAsync());
            await ExchangeAsync(pairs[^1]);
        }

        // Live bytes, pinned buffers among them; and what opening took in all, of which most is garbage by now.
        long held = (GC.GetTotalMemory(forceFullCollection: true) - before) / (2 * links);
        long taken = (GC.GetTotalAllocatedBytes(precise: true) - allocated) / (2 * links);
        foreach (LinkPair pair in pairs)
        {
            await pair.DisposeAsync();
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"held {held}, taken {taken} bytes per end");
        Assert.InRange(held, 1, ceiling);
        Assert.InRange(taken, held, 4 * ceiling);
    }

    [Fact(Timeout = Timeout)]
    public async Task Listener_LetsHonestPeersIn_AndHoldsBoundedMemory_WhenTenThousandConnectionsAreHalfOpen()
    {
        const int strangers = 10_000;
        const int wave = 1000;
        const long ceiling = 40 << 20;
        Assert.SkipWhen(OpenFiles() < strangers + 2000, $"skipped: this process may open {OpenFiles()} files only");
        var options = new LinkOptions { HandshakeTimeout = TimeSpan.FromMinutes(5) };
        using var authority = new TestAuthority();
        await using LinkListener listener = LinkListener.Start(LinkPair.AnyPort, authority.Node("b"), options);
        await KnockAsync(listener, authority, options);
        long before = GC.GetTotalMemory(forceFullCollection: true);
        var sockets = new List<Socket>(strangers);
        try
        {
            for (int i = 1; i <= strangers; i++)
            {
                // One third says nothing, one third half a preamble, one third stops inside TLS.
                Socket socket = await LinkPair.DialAsync(listener.LocalEndPoint);
                sockets.Add(socket);
                byte[] opening = new Preamble(ConnectionKind.Control).ToArray();
                await RawWire.WriteAsync(socket, opening.AsMemory(0, (i % 3) * 4), Token);
                if (i % wave == 0)
                {
                    await LinkPair.UntilAsync(() => Known(listener) >= i);
                    Assert.InRange(listener.PendingHandshakes, 1, options.MaxPendingHandshakes);
                    await KnockAsync(listener, authority, options);
                }
            }

            // Both sides of each connection are in this process: a socket of the stranger, and at most 256 handshakes of the listener.
            long held = GC.GetTotalMemory(forceFullCollection: true) - before;
            TestContext.Current.TestOutputHelper?.WriteLine($"{held} bytes for {strangers} connections");
            Assert.InRange(held, 1, ceiling);
            Assert.True(listener.FailedHandshakes[LinkFault.TimedOut] >= strangers - options.MaxPendingHandshakes);
        }
        finally
        {
            sockets.ForEach(socket => socket.Dispose());
        }

        await LinkPair.UntilAsync(() => listener.PendingHandshakes == 0);
        await KnockAsync(listener, authority, options);
    }

    private static long Known(LinkListener listener) => listener.PendingHandshakes + listener.FailedHandshakes.Values.Sum();

    private static async Task KnockAsync(LinkListener listener, TestAuthority authority, LinkOptions options)
    {
        await using SealedLink near = await LinkConnector.ConnectAsync(listener.LocalEndPoint, TestAuthority.UriOf("b"), authority.Node("a"), options, Token);
        await using SealedLink far = await listener.AcceptAsync(Token);
        await near.SendAsync(FrameType.Control, default, new byte[3], Token);
        Assert.Equal(ReceiveStatus.Frame, await far.ReceiveAsync(Token));
    }

    private static async Task ExchangeAsync(LinkPair pair)
    {
        byte[] payload = new byte[16_384];
        for (int i = 0; i < 4; i++)
        {
            await pair.Connector.SendAsync(FrameType.Activations, default, payload, Token);
            await pair.Acceptor.ReceiveAsync(Token);
            await pair.Acceptor.SendAsync(FrameType.Activations, default, payload, Token);
            await pair.Connector.ReceiveAsync(Token);
        }
    }

    private static long OpenFiles()
    {
        const string limits = "/proc/self/limits";
        const string name = "Max open files";
        string? line = File.Exists(limits) ? File.ReadLines(limits).FirstOrDefault(line => line.StartsWith(name, StringComparison.Ordinal)) : null;
        string? soft = line?[name.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries).FirstOrDefault();
        return soft == "unlimited" ? long.MaxValue : long.TryParse(soft, System.Globalization.CultureInfo.InvariantCulture, out long count) ? count : 0;
    }
}
