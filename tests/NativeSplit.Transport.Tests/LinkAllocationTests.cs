using NativeSplit.Transport.Frames;
using NativeSplit.Transport.Links;
using NativeSplit.Transport.Tests.Support;

namespace NativeSplit.Transport.Tests;

/// <summary>Allocated bytes are counted for the whole process, so nothing else may run meanwhile.</summary>
[CollectionDefinition(DisableParallelization = true)]
public sealed class AloneCollection;

/// <summary>A link in steady state allocates nothing per frame at either end.</summary>
[Collection(typeof(AloneCollection))]
public sealed class LinkAllocationTests
{
    private const int Frames = 4000;

    // What a frame allocates, it allocates in every round; what the runtime does now and then (a timer, a worker thread that finds the
    // pool of its core empty) isn't in each. So the best of some rounds counts. One object per frame would be 24 times this slack.
    private const int Rounds = 5;
    private const long Slack = Frames;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory(Timeout = 60_000)]
    [InlineData(0)]
    [InlineData(4096)]
    [InlineData(100_000)]
    public async Task SendAndReceive_AllocateNothing_WhenEachFrameWaitsForTheOther(int bytes)
    {
        await using LinkPair pair = await LinkPair.OpenAsync();
        byte[] payload = new byte[bytes];
        long allocated = await LeastAllocatedAsync(() => PingPongAsync(pair, payload, Frames));

        Assert.True(allocated < Slack, $"{allocated} bytes for {Frames} frames of {bytes} bytes each way");
    }

    [Fact(Timeout = 60_000)]
    public async Task SendAndReceive_AllocateNothing_WhenOneWayStreams()
    {
        await using LinkPair pair = await LinkPair.OpenAsync();
        byte[] payload = new byte[16_384];
        long allocated = await LeastAllocatedAsync(() => StreamAsync(pair, payload, Frames));

        Assert.True(allocated < Slack, $"{allocated} bytes for {Frames} frames");
    }

    [Theory(Timeout = 60_000)]
    [InlineData(16_384)]
    [InlineData(100_000)]
    public async Task SendBulkAndReceive_AllocateNothing_WhenCreditGoesToAndFro(int bytes)
    {
        await using LinkPair pair = await LinkPair.OpenAsync();
        Task<ReceiveStatus> credit = pair.Connector.ReceiveAsync(Token).AsTask();
        byte[] payload = new byte[bytes];
        long allocated = await LeastAllocatedAsync(() => BulkAsync(pair, payload, Frames), 2 * Rounds);

        Assert.True(allocated < Slack, $"{allocated} bytes for {Frames} frames of {bytes} bytes");
        Assert.True(pair.Acceptor.Statistics.FramesSent > 1, "No credit went.");
        Assert.False(credit.IsCompleted);
    }

    [Fact(Timeout = 60_000)]
    public async Task SendAndReceive_AllocateNothing_WhenActivationsWaitBesideBulk()
    {
        await using LinkPair pair = await LinkPair.OpenAsync();
        Task<ReceiveStatus> credit = pair.Connector.ReceiveAsync(Token).AsTask();
        byte[] page = new byte[100_000];
        byte[] rows = new byte[20_000];
        long allocated = await LeastAllocatedAsync(() => BesideBulkAsync(pair, page, rows, Frames / 2), 2 * Rounds);

        Assert.True(allocated < Slack, $"{allocated} bytes for {Frames} frames");
        Assert.False(credit.IsCompleted);
    }

    // The first rounds warm up: buffers grow, the compiler tiers up, pools fill.
    private static async Task<long> LeastAllocatedAsync(Func<Task> round, int rounds = Rounds)
    {
        await round();
        long least = long.MaxValue;
        for (int i = 0; i < rounds && least >= Slack; i++)
        {
            long before = GC.GetTotalAllocatedBytes(precise: true);
            await round();
            least = Math.Min(least, GC.GetTotalAllocatedBytes(precise: true) - before);
        }

        return least;
    }

    private static async Task PingPongAsync(LinkPair pair, byte[] payload, int frames)
    {
        Task echo = EchoAsync(pair.Acceptor, frames);
        for (int i = 0; i < frames; i++)
        {
            await pair.Connector.SendAsync(FrameType.Activations, default, new Filler(payload), Token);
            await pair.Connector.ReceiveAsync(Token);
        }

        await echo;
    }

    private static async Task EchoAsync(SealedLink link, int frames)
    {
        for (int i = 0; i < frames; i++)
        {
            await link.ReceiveAsync(Token);
            await link.SendAsync(link.Type, link.Header, link.Payload, Token);
        }
    }

    private static async Task StreamAsync(LinkPair pair, byte[] payload, int frames)
    {
        Task sending = LinkSuite.SendManyAsync(pair.Connector, payload, frames);
        for (int i = 0; i < frames; i++)
        {
            await pair.Acceptor.ReceiveAsync(Token);
        }

        await sending;
    }

    private static async Task BulkAsync(LinkPair pair, byte[] payload, int frames)
    {
        Task sending = SendBulkAsync(pair.Connector, payload, frames);
        for (int i = 0; i < frames; i++)
        {
            await pair.Acceptor.ReceiveAsync(Token);
        }

        await sending;
    }

    private static async Task BesideBulkAsync(LinkPair pair, byte[] page, byte[] rows, int frames)
    {
        Task bulk = SendBulkAsync(pair.Connector, page, frames);
        Task activations = LinkSuite.SendManyAsync(pair.Connector, rows, frames);
        for (int i = 0; i < 2 * frames; i++)
        {
            await pair.Acceptor.ReceiveAsync(Token);
        }

        await bulk;
        await activations;
    }

    private static async Task SendBulkAsync(SealedLink link, byte[] payload, int frames)
    {
        for (int i = 0; i < frames; i++)
        {
            await link.SendBulkAsync(default, new Filler(payload), Token);
        }
    }

    private readonly struct Filler(byte[] payload) : IPayloadWriter
    {
        public int Length => payload.Length;

        public void Write(Span<byte> destination) => payload.CopyTo(destination);
    }
}
