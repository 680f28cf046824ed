using NativeSplit.Cluster.Identity;
using NativeSplit.Cluster.Messages;
using NativeSplit.Placement;
using NativeSplit.Transport.Frames;
using NativeSplit.Transport.Links;

namespace NativeSplit.Worker.Tests;

/// <summary>A worker by certificate only: the test says every message itself, also those that a real worker never would.</summary>
internal sealed class RawWorker(SealedLink link) : IAsyncDisposable
{
    public static NodeHello GoodHello { get; } = new() { Port = 7000, ModelFingerprint = "ab", ModelName = "m" };

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static async Task<RawWorker> ConnectAsync(InProcessCluster cluster, string name, NodeRole role = NodeRole.Worker) => new(
        await LinkConnector.ConnectAsync(
            cluster.Driver.LocalEndPoint,
            new NodeIdentity(cluster.Authority.Domain, NodeRole.Gateway, new NodeId("gateway")).Uri,
            cluster.Credentials(role, new NodeId(name), cluster.Authority), new LinkOptions(), Cancel));

    /// <summary>Says hello, and takes the one stage that the gateway assigns.</summary>
    public async Task JoinAsync()
    {
        await SendAsync(GoodHello);
        AssignStage assignment = await ReceiveAsync<AssignStage>();
        await SendAsync(new StageReady { Epoch = assignment.Epoch, Stage = assignment.Stage, Backend = "raw", WeightBytes = 1, KvTokens = assignment.KvTokens });
    }

    public async Task SendAsync(ControlMessage message) => await link.SendAsync(FrameType.Control, default, ControlCodec.Encode(message), Cancel);

    public async Task SendRowsAsync(FrameHeader header, byte[] payload) => await link.SendAsync(FrameType.Activations, header, payload, Cancel);

    /// <summary>The next message; published plans are passed over unless one is asked for.</summary>
    public async Task<T> ReceiveAsync<T>()
        where T : ControlMessage
    {
        while (true)
        {
            Assert.Equal(ReceiveStatus.Frame, await link.ReceiveAsync(Cancel));
            ControlMessage message = ControlCodec.Decode(link.Payload.Span);
            if (message is not PublishPlan || typeof(T) == typeof(PublishPlan))
            {
                return Assert.IsType<T>(message);
            }
        }
    }

    /// <summary>Waits until the gateway closes the link; what it says before is passed over.</summary>
    public async Task ExpectClosedAsync()
    {
        while (await link.ReceiveAsync(Cancel) == ReceiveStatus.Frame)
        {
        }
    }

    public ValueTask DisposeAsync() => link.DisposeAsync();
}
