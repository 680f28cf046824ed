using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using NativeSplit.Cluster;
using NativeSplit.Cluster.Identity;
using NativeSplit.Cluster.Messages;
using NativeSplit.Engine;
using NativeSplit.Engine.Caching;
using NativeSplit.Engine.Execution;
using NativeSplit.Kernels;
using NativeSplit.Model;
using NativeSplit.Model.Files;
using NativeSplit.Placement;
using NativeSplit.Testing;
using NativeSplit.Transport.Frames;
using NativeSplit.Transport.Links;

namespace NativeSplit.Worker.Tests;

/// <summary>Who gets in, as what, and what they may say.</summary>
public sealed class MembershipTests
{
    private static readonly Plan OneWorker = InProcessCluster.PlanOf((4, "gateway"), (8, "worker-1"));

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task JoinAsync_GivesTheNameOfTheToken_Once()
    {
        await using InProcessCluster cluster = await InProcessCluster.StartAsync(OneWorker, startWorkers: false);
        JoinToken token = JoinToken.Parse(cluster.Tokens.Create(new NodeId("worker-1")).ToText());

        JoinedNode joined = await EnrolmentClient.JoinAsync(cluster.Driver.LocalEndPoint, token, new LinkOptions(), Cancel);
        Assert.Equal(new NodeIdentity(cluster.Authority.Domain, NodeRole.Worker, new NodeId("worker-1")), joined.Self);
        Assert.Equal(NodeRole.Gateway, joined.Gateway.Role);

        ClusterException e = await Assert.ThrowsAsync<ClusterException>(() => EnrolmentClient.JoinAsync(cluster.Driver.LocalEndPoint, token, new LinkOptions(), Cancel));
        Assert.Equal(ClusterFault.BadToken, e.Fault);
    }

    [Fact]
    public async Task JoinedWorker_PutsThePlanInForce()
    {
        await using InProcessCluster cluster = await InProcessCluster.StartAsync(OneWorker, startWorkers: false);
        JoinedNode joined = await EnrolmentClient.JoinAsync(cluster.Driver.LocalEndPoint, cluster.Tokens.Create(new NodeId("worker-1")), new LinkOptions(), Cancel);
        var options = new WorkerOptions { Model = cluster.Model, Gateway = cluster.Driver.LocalEndPoint, Identity = joined, Executors = cluster.CreateExecutor, WeightBytes = _ => 7, Listen = new IPEndPoint(IPAddress.Loopback, 0) };
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        await using WorkerNode worker = WorkerNode.Start(options, NullLogger.Instance, TimeProvider.System);
        Task run = worker.RunAsync(stop.Token);

        var stages = await cluster.Driver.InForce.WaitAsync(Cancel);
        Assert.Equal(["gateway", "worker-1"], stages.Select(s => s.Node.Value));
        Assert.Equal(7, stages[1].WeightBytes);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run);
    }

    [Fact]
    public async Task Worker_IsDroppedAndKeptOut_WhenItsCertificateIsRevoked()
    {
        await using InProcessCluster cluster = await InProcessCluster.StartAsync(OneWorker, startWorkers: false);
        var time = new Microsoft.Extensions.Time.Testing.FakeTimeProvider();
        await using var watch = new RevocationWatch(cluster.Nodes, cluster.Driver.Drop, NullLogger.Instance, time);
        JoinedNode joined = await EnrolmentClient.JoinAsync(cluster.Driver.LocalEndPoint, cluster.Tokens.Create(new NodeId("worker-1")), new LinkOptions(), Cancel);
        var options = new WorkerOptions { Model = cluster.Model, Gateway = cluster.Driver.LocalEndPoint, Identity = joined, Executors = cluster.CreateExecutor, WeightBytes = _ => 7, Listen = new IPEndPoint(IPAddress.Loopback, 0) };
        await using WorkerNode worker = WorkerNode.Start(options, NullLogger.Instance, TimeProvider.System);
        Task run = worker.RunAsync(Cancel);
        await cluster.Driver.InForce.WaitAsync(Cancel);

        Assert.Equal(1, cluster.Nodes.Revoke(new NodeId("worker-1")));
        time.Advance(RevocationWatch.Interval);
        LinkException e = await Assert.ThrowsAsync<LinkException>(() => run.WaitAsync(Cancel));
        Assert.Equal(LinkFault.AuthenticationFailed, e.Fault);
        Assert.False(cluster.Driver.Path.IsInForce);
    }

    [Fact]
    public async Task Workers_DropAndRefuseARevokedPeer_OnceTheGatewayTellsThem()
    {
        await using InProcessCluster cluster = await InProcessCluster.StartAsync(InProcessCluster.PlanOf((4, "gateway"), (8, "worker-1")), startWorkers: false);
        var time = new Microsoft.Extensions.Time.Testing.FakeTimeProvider();
        await using var watch = new RevocationWatch(cluster.Nodes, cluster.Driver.Drop, NullLogger.Instance, time, cluster.Driver.Announce);
        WorkerNode worker = cluster.StartWorker(new NodeId("worker-1"));
        await cluster.Driver.InForce.WaitAsync(Cancel);
        string name = cluster.IdentityOf(new NodeId("worker-1"), cluster.Authority).Self.Uri;
        JoinedNode peer = cluster.IdentityOf(new NodeId("worker-2"), cluster.Authority);
        cluster.Nodes.Record(new NodeId("worker-2"), peer.Credentials.Certificate);
        await using SealedLink open = await LinkConnector.ConnectAsync(worker.LocalEndPoint, name, peer.Credentials, new LinkOptions(), Cancel);
        Task<ReceiveStatus> end = open.ReceiveAsync(Cancel).AsTask();

        Assert.Equal(1, cluster.Nodes.Revoke(new NodeId("worker-2")));
        time.Advance(RevocationWatch.Interval);

        Assert.Equal(ReceiveStatus.Closed, await end);
        LinkException e = await Assert.ThrowsAsync<LinkException>(async () => await LinkConnector.ConnectAsync(worker.LocalEndPoint, name, peer.Credentials, new LinkOptions(), Cancel));
        Assert.Equal(LinkFault.AuthenticationFailed, e.Fault);
        JoinedNode renewed = cluster.IdentityOf(new NodeId("worker-2"), cluster.Authority);
        await using SealedLink again = await LinkConnector.ConnectAsync(worker.LocalEndPoint, name, renewed.Credentials, new LinkOptions(), Cancel);
    }

    [Fact]
    public async Task Worker_LearnsOfEarlierRevocations_WhenItJoins()
    {
        await using InProcessCluster cluster = await InProcessCluster.StartAsync(OneWorker, startWorkers: false);
        JoinedNode peer = cluster.IdentityOf(new NodeId("worker-2"), cluster.Authority);
        cluster.Nodes.Record(new NodeId("worker-2"), peer.Credentials.Certificate);
        cluster.Nodes.Revoke(new NodeId("worker-2"));
        await using RawWorker worker = await RawWorker.ConnectAsync(cluster, "worker-1");
        RevokeCertificates told = await worker.ReceiveAsync<RevokeCertificates>();
        Assert.Equal([peer.Credentials.Certificate.SerialNumber], told.Serials);
    }

    [Fact]
    public async Task JoinAsync_StopsAtOnce_WhenTheAuthorityIsAnother()
    {
        await using InProcessCluster cluster = await InProcessCluster.StartAsync(OneWorker, startWorkers: false);
        using ClusterAuthority other = ClusterAuthority.Create(TimeProvider.System);
        JoinToken token = new JoinTokenStore(other, TimeProvider.System).Create(new NodeId("worker-1"));
        LinkException e = await Assert.ThrowsAsync<LinkException>(() => EnrolmentClient.JoinAsync(cluster.Driver.LocalEndPoint, token, new LinkOptions(), Cancel));
        Assert.Equal(LinkFault.AuthenticationFailed, e.Fault);
    }

    [Fact]
    public async Task JoinAsync_TimesOut_WhenTheGatewayDoesNotAnswer()
    {
        await using InProcessCluster cluster = await InProcessCluster.StartAsync(OneWorker, startWorkers: false);
        LinkCredentials credentials = cluster.Credentials(NodeRole.Gateway, new NodeId("gateway"), cluster.Authority);
        await using LinkListener silent = LinkListener.Start(new IPEndPoint(IPAddress.Loopback, 0), credentials, new LinkOptions(), (_, cancel) => Task.Delay(Timeout.Infinite, cancel));
        var options = new LinkOptions { EnrolmentTimeout = TimeSpan.FromMilliseconds(50) };
        LinkException e = await Assert.ThrowsAsync<LinkException>(() => EnrolmentClient.JoinAsync(silent.LocalEndPoint, cluster.Tokens.Create(new NodeId("worker-1")), options, Cancel));
        Assert.Equal(LinkFault.TimedOut, e.Fault);
    }

    [Fact]
    public async Task Gateway_DropsAWorkerOfAnotherAuthority()
    {
        await using InProcessCluster cluster = await InProcessCluster.StartAsync(OneWorker, startWorkers: false);
        using ClusterAuthority other = ClusterAuthority.Create(TimeProvider.System);
        LinkCredentials foreign = cluster.IdentityOf(new NodeId("worker-1"), other).Credentials;
        await Assert.ThrowsAsync<LinkException>(async () =>
        {
            await using SealedLink link = await LinkConnector.ConnectAsync(cluster.Driver.LocalEndPoint, cluster.IdentityOf(new NodeId("x"), other).Gateway.Uri, foreign, new LinkOptions(), Cancel);
            await link.ReceiveAsync(Cancel);
        });
    }

    [Theory]
    [InlineData(NodeRole.Worker, "worker-9")]
    [InlineData(NodeRole.Gateway, "worker-1")]
    public async Task Gateway_DropsANodeThatIsNoWorkerOfThePlan(NodeRole role, string name)
    {
        await using InProcessCluster cluster = await InProcessCluster.StartAsync(OneWorker, startWorkers: false);
        await using RawWorker worker = await RawWorker.ConnectAsync(cluster, name, role);
        await worker.ExpectClosedAsync();
    }

    [Fact]
    public async Task Gateway_DropsAWorkerThatGivesOrders()
    {
        await using InProcessCluster cluster = await InProcessCluster.StartAsync(OneWorker, startWorkers: false);
        await using RawWorker worker = await RawWorker.ConnectAsync(cluster, "worker-1");
        await worker.SendAsync(new FreeSequence { Epoch = 1, Stage = 0, Sequence = 1 });
        await worker.ExpectClosedAsync();
    }

    [Fact]
    public async Task Worker_DropsAnotherWorkerThatGivesOrdersOrSendsRowsOutOfTurn()
    {
        await using InProcessCluster cluster = await InProcessCluster.StartAsync(InProcessCluster.PlanOf((4, "worker-1"), (8, "worker-2")), startWorkers: false);
        WorkerNode first = cluster.StartWorker(new NodeId("worker-1"));
        cluster.StartWorker(new NodeId("worker-2"));
        await cluster.Driver.InForce.WaitAsync(Cancel);
        JoinedNode intruder = cluster.IdentityOf(new NodeId("worker-3"), cluster.Authority);
        string firstName = cluster.IdentityOf(new NodeId("worker-1"), cluster.Authority).Self.Uri;

        await using (SealedLink link = await LinkConnector.ConnectAsync(first.LocalEndPoint, firstName, intruder.Credentials, new LinkOptions(), Cancel))
        {
            await link.SendAsync(FrameType.Control, default, ControlCodec.Encode(new RetireStage { Epoch = 1, Stage = 0 }), Cancel);
            Assert.Equal(ReceiveStatus.Closed, await link.ReceiveAsync(Cancel));
        }

        await using (SealedLink link = await LinkConnector.ConnectAsync(first.LocalEndPoint, firstName, intruder.Credentials, new LinkOptions(), Cancel))
        {
            await link.SendAsync(FrameType.Activations, new FrameHeader(1, 1, 0, 0, 1, 1), new byte[16 + (128 * 4)], Cancel);
            Assert.Equal(ReceiveStatus.Closed, await link.ReceiveAsync(Cancel));
        }
    }

    [Fact]
    public async Task InForce_Faults_WhenAWorkerHasAnotherModel()
    {
        await using InProcessCluster cluster = await InProcessCluster.StartAsync(OneWorker, startWorkers: false);
        using ModelFile other = ModelFile.Open(TestData.ModelPath("roadside-1.6m-f16.gguf"));
        cluster.StartWorker(new NodeId("worker-1"), model: other);
        ClusterException e = await Assert.ThrowsAsync<ClusterException>(() => cluster.Driver.InForce.WaitAsync(Cancel));
        Assert.Equal(ClusterFault.StageRefused, e.Fault);
        Assert.Contains("another model", e.Message);
    }

    [Fact]
    public async Task InForce_Faults_WhenAWorkerFailsInAWayNobodyForesaw()
    {
        await using InProcessCluster cluster = await InProcessCluster.StartAsync(OneWorker, startWorkers: false);
        cluster.StartWorker(new NodeId("worker-1"), (_, _, _) => throw new KernelException(KernelFault.OutOfMemory, "no room for a KV cache"));
        ClusterException e = await Assert.ThrowsAsync<ClusterException>(() => cluster.Driver.InForce.WaitAsync(Cancel));
        Assert.Equal(ClusterFault.StageRefused, e.Fault);
        Assert.Contains("no room for a KV cache", e.Message);
    }

    [Fact]
    public async Task WorkerDisposal_WaitsForAStageInTheMaking_AndDisposesIt()
    {
        using var entered = new SemaphoreSlim(0);
        using var gate = new ManualResetEventSlim();
        await using InProcessCluster cluster = await InProcessCluster.StartAsync(OneWorker, startWorkers: false);
        DisposalProbe? made = null;
        WorkerNode worker = cluster.StartWorker(new NodeId("worker-1"), (layers, kv, rows) =>
        {
            entered.Release();
            gate.Wait(Cancel);
            return made = new DisposalProbe(cluster.CreateExecutor(layers, kv, rows));
        });
        await entered.WaitAsync(Cancel);

        Task disposal = worker.DisposeAsync().AsTask();
        gate.Set();
        await disposal;
        Assert.True(made!.Disposed);
    }

    private sealed class DisposalProbe(ILayerExecutor inner) : ILayerExecutor
    {
        public bool Disposed { get; private set; }

        public ModelShape Shape => inner.Shape;

        public LayerRange Range => inner.Range;

        public string Backend => inner.Backend;

        public KvCacheUse KvCacheUse => inner.KvCacheUse;

        public IKvPages? KvPages => inner.KvPages;

        public bool TryReserve(SequenceId sequence, int tokens) => inner.TryReserve(sequence, tokens);

        public void Free(SequenceId sequence) => inner.Free(sequence);

        public void Forward(ReadOnlySpan<SequenceRows> batch, Span<float> hidden) => inner.Forward(batch, hidden);

        public void Dispose()
        {
            inner.Dispose();
            Disposed = true;
        }
    }
}
