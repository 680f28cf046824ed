using System.Net;
using NativeSplit.Testing;
using NativeSplit.Transport.Bulk;
using NativeSplit.Transport.Frames;
using NativeSplit.Transport.Links;
using NativeSplit.Transport.Pipes;
using NativeSplit.Transport.Tests.Support;

namespace NativeSplit.Transport.Tests;

/// <summary>Links over slow, lossy and long networks: everything arrives, and activations before the bulk they overtook.</summary>
public sealed class PoorNetworkTests
{
    private const int Timeout = 120_000;

    private static readonly LinkOptions Patient = new() { HandshakeTimeout = TimeSpan.FromSeconds(60), PeerTimeout = TimeSpan.FromSeconds(30) };

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = Timeout)]
    public async Task Activations_ArriveAmongBulk_WhenTheNetworkIsSlow()
    {
        using NetworkNamespace? network = NetworkNamespace.TryMake(out string reason);
        Assert.SkipWhen(network is null, $"skipped: {reason}");
        string? unable = network.Slow("60mbit");
        Assert.SkipWhen(unable is not null, $"skipped: {unable}");

        // Bulk of 24 frames: an activation frame waits for one of them at most, so all are there before it ends.
        Assert.Equal(10, await TransferAsync(network, bytes: 6 << 20, activations: 10));
    }

    [Fact(Timeout = Timeout)]
    public async Task Transfer_ArrivesWhole_WhenTheNetworkLosesPackets()
    {
        using NetworkNamespace? network = NetworkNamespace.TryMake(out string reason);
        Assert.SkipWhen(network is null, $"skipped: {reason}");
        string? unable = network.Lose(percent: 2);
        Assert.SkipWhen(unable is not null, $"skipped: {unable}");
        Assert.InRange(await TransferAsync(network, bytes: 2 << 20, activations: 10), 1, 10);
    }

    [Fact(Timeout = Timeout)]
    public async Task Frames_ArriveInOrder_AndAProbeTakesTheRoadTwice_WhenItIsLong()
    {
        TimeSpan delay = TimeSpan.FromMilliseconds(20);
        using var authority = new TestAuthority();
        await using LinkListener listener = LinkListener.Start(LinkPair.AnyPort, authority.Node("b"), Patient);
        await using var relay = new DelayRelay(listener.LocalEndPoint, delay);
        await using SealedLink near = await LinkConnector.ConnectAsync(relay.EndPoint, TestAuthority.UriOf("b"), authority.Node("a"), Patient, Token);
        await using SealedLink far = await listener.AcceptAsync(Token);
        Task<ReceiveStatus> credit = near.ReceiveAsync(Token).AsTask();
        Task sending = LinkSuite.SendBulkAsync(near, new byte[LinkOptions.BulkPayloadCeiling], 20);
        for (ulong i = 0; i < 20; i++)
        {
            Assert.Equal(ReceiveStatus.Frame, await far.ReceiveAsync(Token));
            Assert.Equal((FrameType.Bulk, i), (far.Type, far.Header.Batch));
        }

        await sending;
        Task<ReceiveStatus> echo = far.ReceiveAsync(Token).AsTask();
        Assert.True(await near.ProbeAsync(Token) >= 2 * delay, "An echo came back sooner than the road allows.");
        Assert.False(credit.IsCompleted || echo.IsCompleted);
    }

    // One way bulk, and activations of the same sender among it. Gives how many of these came before its end.
    private static async Task<int> TransferAsync(NetworkNamespace network, int bytes, int activations)
    {
        using var authority = new TestAuthority();
        ConnectionSource there = network.Inside(() => new SocketSource(new IPEndPoint(NetworkNamespace.There, 0)));
        await using LinkListener listener = LinkListener.Start(there, authority.Node("b"), Patient);
        await using SealedLink near = await LinkConnector.ConnectAsync(listener.LocalEndPoint, TestAuthority.UriOf("b"), authority.Node("a"), Patient, Token);
        await using SealedLink far = await listener.AcceptAsync(Token);
        Task<ReceiveStatus> credit = near.ReceiveAsync(Token).AsTask();
        byte[] content = LinkSuite.Pattern(bytes, seed: 12);
        BulkTransfer transfer = await BulkTransfer.DescribeAsync("kv", new MemoryStream(content), Token);
        Task bulk = BulkSender.SendAsync(near, default, transfer, new MemoryStream(content), 0, new BulkSendOptions(), Token);
        Task rows = LinkSuite.SendManyAsync(near, new byte[2000], activations);
        using var target = new MemoryStream();
        using var receiver = new BulkReceiver(transfer, target);
        int seen = 0;
        int before = -1;
        while (seen < activations || !receiver.IsComplete)
        {
            Assert.Equal(ReceiveStatus.Frame, await far.ReceiveAsync(Token));
            if (far.Type == FrameType.Bulk)
            {
                await receiver.AcceptAsync(far.Payload, Token);
                before = receiver.IsComplete ? seen : before;
            }
            else
            {
                seen++;
            }
        }

        await Task.WhenAll(bulk, rows);
        Assert.Equal(content, target.ToArray());
        Assert.False(credit.IsCompleted);
        return before;
    }
}
