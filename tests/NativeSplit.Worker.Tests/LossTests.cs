using Microsoft.Extensions.Time.Testing;
using NativeSplit.Cluster.Messages;
using NativeSplit.Cluster.Routes;
using NativeSplit.Engine;
using NativeSplit.Engine.Caching;
using NativeSplit.Engine.Execution;
using NativeSplit.Model;
using NativeSplit.Placement;

namespace NativeSplit.Worker.Tests;

/// <summary>What the gateway sees when a worker is lost, slow, or full.</summary>
public sealed class LossTests
{
    private static readonly Plan TwoWorkers = InProcessCluster.PlanOf((1, "gateway"), (4, "worker-1"), (8, "worker-2"));
    private static readonly SequenceId Sequence = new(3);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Path_SaysWhichWorkersAreMissing_BeforeThePlanIsInForce()
    {
        await using InProcessCluster cluster = await InProcessCluster.StartAsync(TwoWorkers, startWorkers: false);
        EngineException e = await Assert.ThrowsAsync<EngineException>(async () => await cluster.Driver.Path.TryReserveAsync(Sequence, 4, Cancel));
        Assert.Equal(EngineFault.PathBroken, e.Fault);
        Assert.Contains("joined", e.Message);
    }

    [Theory]
    [InlineData("worker-1")]
    [InlineData("worker-2")]
    public async Task Step_Fails_WhenAWorkerLeaves_AndThePathIsWholeAgainWhenItIsBack(string lost)
    {
        using var blocked = new ManualResetEventSlim();
        using var entered = new SemaphoreSlim(0);
        await using InProcessCluster cluster = await InProcessCluster.StartAsync(TwoWorkers, startWorkers: false);
        ExecutorFactory blocking = (layers, kv, rows) => new BlockingExecutor(cluster.CreateExecutor(layers, kv, rows), entered, blocked);
        Dictionary<string, WorkerNode> workers = [];
        foreach (string name in (string[])["worker-1", "worker-2"])
        {
            workers[name] = cluster.StartWorker(new NodeId(name), name == lost ? blocking : null);
        }

        await cluster.Driver.InForce.WaitAsync(Cancel);
        Assert.True(await cluster.Driver.Path.TryReserveAsync(Sequence, 4, Cancel));
        Task step = ForwardAsync(cluster, position: 0);
        await entered.WaitAsync(Cancel);

        Task leaving = workers[lost].DisposeAsync().AsTask();
        EngineException e = await Assert.ThrowsAsync<EngineException>(() => step);
        Assert.Equal(EngineFault.PathBroken, e.Fault);
        Assert.Contains(lost, e.Message);
        Assert.False(cluster.Driver.Path.IsInForce);
        blocked.Set();
        await leaving;

        cluster.StartWorker(new NodeId(lost));
        await ReserveAgainAsync(cluster);
        Assert.True(cluster.Driver.Path.IsInForce);
        await ForwardAsync(cluster, position: 0);
    }

    [Fact]
    public async Task Step_Fails_WhenNoAnswerComesInTime()
    {
        var time = new FakeTimeProvider();
        using var blocked = new ManualResetEventSlim();
        using var entered = new SemaphoreSlim(0);
        await using InProcessCluster cluster = await InProcessCluster.StartAsync(
            InProcessCluster.PlanOf((8, "worker-1")), new RouteOptions { KvTokens = 64, StepTimeout = TimeSpan.FromSeconds(30) }, time, startWorkers: false);
        cluster.StartWorker(new NodeId("worker-1"), (layers, kv, rows) => new BlockingExecutor(cluster.CreateExecutor(layers, kv, rows), entered, blocked));
        await cluster.Driver.InForce.WaitAsync(Cancel);
        Assert.True(await cluster.Driver.Path.TryReserveAsync(Sequence, 4, Cancel));

        Task step = ForwardAsync(cluster, position: 0);
        await entered.WaitAsync(Cancel);
        time.Advance(TimeSpan.FromSeconds(31));

        EngineException e = await Assert.ThrowsAsync<EngineException>(() => step);
        Assert.Equal(EngineFault.PathBroken, e.Fault);
        Assert.Contains("30 s", e.Message);
        blocked.Set();
    }

    [Fact]
    public async Task Step_EndsAsCancelled_WhenTheCallerCancels()
    {
        using var blocked = new ManualResetEventSlim();
        using var entered = new SemaphoreSlim(0);
        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        await using InProcessCluster cluster = await InProcessCluster.StartAsync(InProcessCluster.PlanOf((8, "worker-1")), startWorkers: false);
        cluster.StartWorker(new NodeId("worker-1"), (layers, kv, rows) => new BlockingExecutor(cluster.CreateExecutor(layers, kv, rows), entered, blocked));
        await cluster.Driver.InForce.WaitAsync(Cancel);
        Assert.True(await cluster.Driver.Path.TryReserveAsync(Sequence, 4, Cancel));

        Task step = cluster.Driver.Path.ForwardAsync(new[] { new SequenceRows(Sequence, 0, 1) }, new float[cluster.Shape.HiddenSize], cancel.Token).AsTask();
        await entered.WaitAsync(Cancel);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => step);
        blocked.Set();

        // The late answer of the cancelled step is dropped, and the next one isn't mistaken for it.
        await cluster.Driver.Path.FreeAsync(Sequence);
        Assert.True(await cluster.Driver.Path.TryReserveAsync(Sequence, 4, Cancel));
        await ForwardAsync(cluster, position: 0);
    }

    [Fact]
    public async Task Step_Fails_AndThePathStaysWhole_WhenAPositionIsWrong()
    {
        await using InProcessCluster cluster = await InProcessCluster.StartAsync(InProcessCluster.PlanOf((4, "worker-1"), (8, "worker-2")));
        Assert.True(await cluster.Driver.Path.TryReserveAsync(Sequence, 4, Cancel));
        EngineException e = await Assert.ThrowsAsync<EngineException>(() => ForwardAsync(cluster, position: 2));
        Assert.Contains("worker-1", e.Message);
        await ForwardAsync(cluster, position: 0);
    }

    [Fact]
    public async Task TryReserve_SaysNo_AndKeepsNothing_WhenAWorkerIsFull()
    {
        await using InProcessCluster cluster = await InProcessCluster.StartAsync(TwoWorkers, new RouteOptions { KvTokens = 64 });
        Assert.True(await cluster.Driver.Path.TryReserveAsync(new SequenceId(1), 40, Cancel));
        Assert.False(await cluster.Driver.Path.TryReserveAsync(new SequenceId(2), 40, Cancel));
        Assert.All(await cluster.Driver.Probe.QueryStagesAsync(Cancel), report => Assert.Equal(1, report.Sequences));

        await cluster.Driver.Path.FreeAsync(new SequenceId(1));
        await cluster.Driver.Path.FreeAsync(new SequenceId(99));
        Assert.True(await cluster.Driver.Path.TryReserveAsync(new SequenceId(2), 40, Cancel));
        await cluster.Driver.Path.FreeAsync(new SequenceId(2));

        // A reservation after the releases, on each link in order, proves that they have been served.
        Assert.True(await cluster.Driver.Path.TryReserveAsync(new SequenceId(3), 64, Cancel));
        foreach (StageReport report in await cluster.Driver.Probe.QueryStagesAsync(Cancel))
        {
            Assert.Equal(1, report.Sequences);
        }
    }

    private static async Task ForwardAsync(InProcessCluster cluster, int position) =>
        await cluster.Driver.Path.ForwardAsync(new[] { new SequenceRows(Sequence, position, 1) }, new float[cluster.Shape.HiddenSize], Cancel);

    /// <summary>Reserves as soon as the path is whole again; the driver puts the plan in force in its own time.</summary>
    private static async Task ReserveAgainAsync(InProcessCluster cluster)
    {
        using var bound = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        bound.CancelAfter(TimeSpan.FromMinutes(3));
        while (true)
        {
            bound.Token.ThrowIfCancellationRequested();
            try
            {
                Assert.True(await cluster.Driver.Path.TryReserveAsync(Sequence, 4, Cancel));
                return;
            }
            catch (EngineException e) when (e.Fault == EngineFault.PathBroken)
            {
                await Task.Yield();
            }
        }
    }

    private sealed class BlockingExecutor(ILayerExecutor inner, SemaphoreSlim entered, ManualResetEventSlim gate) : ILayerExecutor
    {
        public ModelShape Shape => inner.Shape;

        public LayerRange Range => inner.Range;

        public string Backend => inner.Backend;

        public KvCacheUse KvCacheUse => inner.KvCacheUse;

        public IKvPages? KvPages => inner.KvPages;

        public bool TryReserve(SequenceId sequence, int tokens) => inner.TryReserve(sequence, tokens);

        public void Free(SequenceId sequence) => inner.Free(sequence);

        public void Forward(ReadOnlySpan<SequenceRows> batch, Span<float> hidden)
        {
            entered.Release();
            gate.Wait(Cancel);
            inner.Forward(batch, hidden);
        }

        public void Dispose() => inner.Dispose();
    }
}
