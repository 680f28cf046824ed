using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using NativeSplit.Cluster.Identity;
using NativeSplit.Cluster.Messages;
using NativeSplit.Cluster.Plans;
using NativeSplit.Placement;
using NativeSplit.Transport.Frames;
using NativeSplit.Transport.Links;

namespace NativeSplit.Worker.Tests;

/// <summary>Who holds the gateway's key and links, but not the orchestrator's, can't make a worker run a layer.</summary>
public sealed class HostileGatewayTests
{
    private static readonly NodeId Gateway = new("gateway");
    private static readonly Plan WholeModel = InProcessCluster.PlanOf((8, "worker-1"));

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Worker_RunsWhatTheOrchestratorSigned_AndRefusesWhatItDidNot()
    {
        await using InProcessCluster cluster = await InProcessCluster.StartAsync(InProcessCluster.PlanOf((8, "gateway")), startWorkers: false);
        await using LinkListener listener = LinkListener.Start(new IPEndPoint(IPAddress.Loopback, 0), new CredentialSource(cluster.Credentials(NodeRole.Gateway, Gateway, cluster.Authority)), new LinkOptions());
        JoinedNode identity = cluster.IdentityOf(new NodeId("worker-1"), cluster.Authority);
        var guard = new PlanGuard(identity, null, _ => { }, TimeProvider.System);
        var options = new WorkerOptions { Model = cluster.Model, Gateway = listener.LocalEndPoint, Identity = identity, Plans = guard, Executors = cluster.CreateExecutor, WeightBytes = _ => 1, Listen = new IPEndPoint(IPAddress.Loopback, 0) };
        await using WorkerNode worker = WorkerNode.Start(options, NullLogger.Instance, TimeProvider.System);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        Task run = worker.RunAsync(stop.Token);
        await using SealedLink link = await listener.AcceptAsync(Cancel);
        Assert.IsType<NodeHello>(await ReceiveAsync(link));

        Assert.Contains("wasn't published", await RefusalAsync(link, Assign(cluster, 1)));

        using ClusterAuthority foreign = ClusterAuthority.Create(TimeProvider.System);
        using var forger = new PlanSigner(foreign, Gateway, TimeProvider.System);
        await SendAsync(link, Publication(forger.Sign(WholeModel, cluster.Model.Fingerprint.Value, 1, null)));
        Assert.Contains(nameof(PlanRefusal.WrongKey), await RefusalAsync(link, Assign(cluster, 1)));
        await SendAsync(link, new PublishPlan { Plan = "not base64" });
        Assert.Contains(nameof(PlanRefusal.Malformed), await RefusalAsync(link, Assign(cluster, 1)));

        using var signer = new PlanSigner(cluster.Authority, Gateway, TimeProvider.System);
        SignedPlan good = signer.Sign(WholeModel with { Epoch = new PlanEpoch(5) }, cluster.Model.Fingerprint.Value, 1, null);
        await SendAsync(link, Publication(good));
        await SendAsync(link, Assign(cluster, 5));
        Assert.IsType<StageReady>(await ReceiveAsync(link));

        // Played back, and rolled back: both are counted, and no old plan's assignment is obeyed.
        await SendAsync(link, Publication(good));
        await SendAsync(link, Publication(signer.Sign(WholeModel with { Epoch = new PlanEpoch(4) }, cluster.Model.Fingerprint.Value, 1, null)));
        Assert.Contains(nameof(PlanRefusal.RolledBack), await RefusalAsync(link, Assign(cluster, 4)));
        Assert.Equal((1, 1), (guard.RefusedFor(PlanRefusal.Replayed), guard.RefusedFor(PlanRefusal.RolledBack)));
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run);
    }

    private static PublishPlan Publication(SignedPlan plan) => new() { Plan = Convert.ToBase64String(plan.Bytes.Span) };

    private static AssignStage Assign(InProcessCluster cluster, ulong epoch) => new()
    {
        Epoch = epoch,
        Stage = 0,
        LayerStart = 0,
        LayerEnd = 8,
        ModelFingerprint = cluster.Model.Fingerprint.Value,
        Encoding = 0,
        MaxRows = 8,
        MaxSequences = 8,
        KvTokens = 64,
        Previous = cluster.IdentityOf(new NodeId("worker-1"), cluster.Authority).Gateway.Uri,
    };

    private static async Task<string> RefusalAsync(SealedLink link, AssignStage assignment)
    {
        await SendAsync(link, assignment);
        return Assert.IsType<StageRefused>(await ReceiveAsync(link)).Reason;
    }

    private static async Task SendAsync(SealedLink link, ControlMessage message) => await link.SendAsync(FrameType.Control, default, ControlCodec.Encode(message), Cancel);

    private static async Task<ControlMessage> ReceiveAsync(SealedLink link)
    {
        Assert.Equal(ReceiveStatus.Frame, await link.ReceiveAsync(Cancel));
        return ControlCodec.Decode(link.Payload.Span);
    }
}
