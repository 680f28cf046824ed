using NativeSplit.Cluster;
using NativeSplit.Cluster.Routes;
using NativeSplit.Engine;
using NativeSplit.Engine.Caching;
using NativeSplit.Engine.Execution;
using NativeSplit.Kernels;
using NativeSplit.Model;
using NativeSplit.Placement;

namespace NativeSplit.Worker.Tests;

/// <summary>When the plan changes, running sequences take their KV cache along: no position is computed twice.</summary>
public sealed class KvMigrationTests
{
    private static readonly NodeId Two = new("worker-2");
    private static readonly Plan TwoWorkers = InProcessCluster.PlanOf((1, "gateway"), (4, "worker-1"), (8, "worker-2"));
    private static readonly Plan Reversed = InProcessCluster.PlanOf((5, "worker-2"), (7, "worker-1"), (8, "gateway"));
    private static readonly Plan AllHere = InProcessCluster.PlanOf((8, "gateway"));
    private static readonly Plan OneThenHere = InProcessCluster.PlanOf((6, "worker-1"), (8, "gateway"));
    private static readonly Plan Shifted = InProcessCluster.PlanOf((2, "gateway"), (6, "worker-1"), (8, "worker-2"));

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Sequences_GoOnWithTheirCache_WhereverTheirLayersMove()
    {
        // Longer than a page, and changed at a page's border as well as inside one.
        await using InProcessCluster cluster = await InProcessCluster.StartAsync(TwoWorkers);
        Plan[] plans = [Reversed, AllHere, OneThenHere, Shifted, TwoWorkers];
        await using var run = new TwoSequences(cluster);
        for (int change = 0; change < plans.Length; change++)
        {
            await run.StepAsync(change == 1 ? 8 : 5);
            await cluster.Driver.Propose([plans[change]]).WaitAsync(Cancel);
            SwitchReport report = cluster.Driver.LastSwitch!;
            Assert.Null(report.Loss);
            Assert.True(report.IsKept);
            Assert.Equal(2, report.Sequences);
            Assert.Equal(plans[change].Segments, cluster.Driver.Current!.Segments);
        }

        await run.StepAsync(5);
        Assert.Equal(run.Length * 2, cluster.Driver.Path.LiveTokens);
        Assert.True(cluster.Driver.LastSwitch!.KvBytes > 0);
    }

    [Fact]
    public async Task ASequence_ThatEndsOrComesWhileAnotherMoves_IsNoLoss()
    {
        await using InProcessCluster cluster = await InProcessCluster.StartAsync(TwoWorkers);
        await using var run = new TwoSequences(cluster);
        await run.StepAsync(3);
        SequenceId waiting = new(77);
        Assert.True(await cluster.Driver.Path.TryReserveAsync(waiting, 20, Cancel));
        await cluster.Driver.Propose([Shifted]).WaitAsync(Cancel);
        Assert.Equal(3, cluster.Driver.LastSwitch!.Sequences);
        Assert.True(cluster.Driver.LastSwitch.IsKept);
        await run.StepAsync(3);

        // Reserved on the old route, first run on the new one.
        float[] hidden = new float[cluster.Shape.HiddenSize];
        await cluster.Driver.Path.ForwardAsync(new[] { new SequenceRows(waiting, 0, 1) }, hidden, Cancel);
        await cluster.Driver.Path.FreeAsync(waiting);
        await run.StepAsync(1);
    }

    [Fact]
    public async Task ASequence_ThatComesWhileOthersMove_GetsTheRoomOfOneThatEndsMeanwhile()
    {
        await using InProcessCluster cluster = await InProcessCluster.StartAsync(InProcessCluster.PlanOf((1, "gateway"), (8, "worker-1")), startWorkers: false, lessPreferred: TwoWorkers);
        var coming = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var go = new ManualResetEventSlim();
        CancellationToken cancel = Cancel;
        cluster.StartWorker(new NodeId("worker-1"));
        await cluster.Driver.InForce.WaitAsync(Cancel);
        cluster.StartWorker(Two, (layers, kvTokens, maxRows) => new HookedExecutor(cluster.CreateExecutor(layers, kvTokens, maxRows), () =>
        {
            coming.TrySetResult();
            go.Wait(cancel);
        }));
        while (cluster.Driver.Workers.Count < 2)
        {
            await Task.Delay(1, Cancel);
        }

        // Twice 96 and 64 of 256 positions: another one of 64 needs the room of the last.
        await using var run = new TwoSequences(cluster);
        await run.StepAsync(1);
        Assert.True(await cluster.Driver.Path.TryReserveAsync(new SequenceId(3), 64, Cancel));
        Assert.False(await cluster.Driver.Path.TryReserveAsync(new SequenceId(4), 64, Cancel));
        Task proposal = cluster.Driver.Propose([TwoWorkers]);
        await coming.Task.WaitAsync(Cancel);
        await cluster.Driver.Path.FreeAsync(new SequenceId(3));
        Assert.True(await cluster.Driver.Path.TryReserveAsync(new SequenceId(4), 64, Cancel));
        go.Set();
        await proposal.WaitAsync(Cancel);
        Assert.True(cluster.Driver.LastSwitch!.IsKept);
        await run.StepAsync(2);
        float[] hidden = new float[cluster.Shape.HiddenSize];
        await cluster.Driver.Path.ForwardAsync(new[] { new SequenceRows(new SequenceId(4), 0, 1) }, hidden, Cancel);
    }

    [Fact]
    public async Task Sequences_AreToBeRunAgain_WhenABackendGivesNoPagesOut()
    {
        await using InProcessCluster cluster = await InProcessCluster.StartAsync(TwoWorkers, startWorkers: false);
        cluster.StartWorker(new NodeId("worker-1"));
        cluster.StartWorker(Two, (layers, kvTokens, maxRows) => new HookedExecutor(cluster.CreateExecutor(layers, kvTokens, maxRows), null));
        await cluster.Driver.InForce.WaitAsync(Cancel);
        await using var run = new TwoSequences(cluster);
        await run.StepAsync(3);
        await cluster.Driver.Propose([Shifted]).WaitAsync(Cancel);
        Assert.False(cluster.Driver.LastSwitch!.IsKept);
        Assert.Contains("worker-2", cluster.Driver.LastSwitch.Loss, StringComparison.Ordinal);
        EngineException e = await Assert.ThrowsAsync<EngineException>(() => run.StepAsync(1));
        Assert.Equal(EngineFault.PathBroken, e.Fault);
    }

    [Fact]
    public async Task TheProposalFails_AndTheOldPlanServes_WhenPagesComeTooSlowly()
    {
        Plan before = InProcessCluster.PlanOf((1, "gateway"), (8, "worker-1"));
        var route = new RouteOptions { KvTokens = InProcessCluster.KvTokens, StepTimeout = TimeSpan.FromSeconds(3) };
        await using InProcessCluster cluster = await InProcessCluster.StartAsync(before, route, startWorkers: false, lessPreferred: TwoWorkers);
        using var go = new ManualResetEventSlim();
        CancellationToken cancel = Cancel;
        cluster.StartWorker(new NodeId("worker-1"));
        await cluster.Driver.InForce.WaitAsync(Cancel);
        cluster.StartWorker(Two, (layers, kvTokens, maxRows) => new HookedExecutor(cluster.CreateExecutor(layers, kvTokens, maxRows), () => go.Wait(cancel)));
        await using var run = new TwoSequences(cluster);
        await run.StepAsync(3);
        while (cluster.Driver.Workers.Count < 2)
        {
            await Task.Delay(1, Cancel);
        }

        ClusterException e = await Assert.ThrowsAsync<ClusterException>(() => cluster.Driver.Propose([TwoWorkers]).WaitAsync(Cancel));
        Assert.Contains("took longer than 3 s", e.Message, StringComparison.Ordinal);
        Assert.Equal(before.Segments, cluster.Driver.Current!.Segments);
        await run.StepAsync(3);
        go.Set();
    }

    [Fact]
    public async Task TheOldPlanServes_WhenANewWorkerIsLostWhilePagesCome()
    {
        await using InProcessCluster cluster = await InProcessCluster.StartAsync(InProcessCluster.PlanOf((1, "gateway"), (8, "worker-1")), startWorkers: false, lessPreferred: TwoWorkers);
        cluster.StartWorker(new NodeId("worker-1"));
        await cluster.Driver.InForce.WaitAsync(Cancel);
        WorkerNode? second = null;
        second = cluster.StartWorker(Two, (layers, kvTokens, maxRows) => new HookedExecutor(cluster.CreateExecutor(layers, kvTokens, maxRows), () => _ = second!.DisposeAsync().AsTask()));
        await using var run = new TwoSequences(cluster);
        await run.StepAsync(3);
        while (cluster.Driver.Workers.Count < 2)
        {
            await Task.Delay(1, Cancel);
        }

        // Not refused, only put off: the worker may come back.
        Task proposal = cluster.Driver.Propose([TwoWorkers]);
        while (cluster.Driver.Workers.Count == 2)
        {
            await Task.Delay(1, Cancel);
        }

        await run.StepAsync(3);
        Assert.False(proposal.IsCompleted);
        Assert.True(cluster.Driver.Path.IsInForce);
        Assert.Equal(2, cluster.Driver.Current!.Segments.Count);
    }

    /// <summary>Two sequences that step through the cluster's path, each row compared with one executor that holds all layers.</summary>
    private sealed class TwoSequences : IAsyncDisposable
    {
        private const int Prompt = 27;
        private readonly InProcessCluster _cluster;
        private readonly LocalLayerPath _local;
        private readonly Random _random = new(5);
        private readonly SequenceId[] _sequences = [new(1), new(2)];

        public TwoSequences(InProcessCluster cluster)
        {
            _cluster = cluster;
            _local = cluster.CreateLocalPath();
        }

        public int Length { get; private set; }

        public async Task StepAsync(int steps)
        {
            for (int step = 0; step < steps; step++)
            {
                int count = Length == 0 ? Prompt : 1;
                SequenceRows[] batch = [.. _sequences.Select(sequence => new SequenceRows(sequence, Length, count))];
                float[] actual = [.. Enumerable.Range(0, 2 * count * _cluster.Shape.HiddenSize).Select(_ => (_random.NextSingle() * 2) - 1)];
                float[] expected = [.. actual];
                foreach (SequenceId sequence in _sequences)
                {
                    Assert.True(Length > 0 || await _local.TryReserveAsync(sequence, 80, Cancel));
                    Assert.True(Length > 0 || await _cluster.Driver.Path.TryReserveAsync(sequence, 80, Cancel));
                }

                await _local.ForwardAsync(batch, expected, Cancel);
                await _cluster.Driver.Path.ForwardAsync(batch, actual, Cancel);
                Assert.Equal(expected, actual);
                Length += count;
            }
        }

        public ValueTask DisposeAsync() => _local.DisposeAsync();
    }

    /// <summary>Gives no pages out, or calls a hook when some come in.</summary>
    private sealed class HookedExecutor(ILayerExecutor inner, Action? onImport) : ILayerExecutor, IKvPages
    {
        public ModelShape Shape => inner.Shape;

        public LayerRange Range => inner.Range;

        public string Backend => inner.Backend;

        public KvCacheUse KvCacheUse => inner.KvCacheUse;

        public IKvPages? KvPages => onImport is null ? null : this;

        public KeyValueType Type => inner.KvPages!.Type;

        public int PageBytes => inner.KvPages!.PageBytes;

        public int? LengthOf(SequenceId sequence) => inner.KvPages!.LengthOf(sequence);

        public void Export(SequenceId sequence, int layer, int page, Span<byte> destination) => inner.KvPages!.Export(sequence, layer, page, destination);

        public void Import(SequenceId sequence, int layer, int page, int offset, ReadOnlySpan<byte> part)
        {
            onImport!();
            inner.KvPages!.Import(sequence, layer, page, offset, part);
        }

        public void SetLength(SequenceId sequence, int length) => inner.KvPages!.SetLength(sequence, length);

        public bool TryReserve(SequenceId sequence, int tokens) => inner.TryReserve(sequence, tokens);

        public void Free(SequenceId sequence) => inner.Free(sequence);

        public void Forward(ReadOnlySpan<SequenceRows> batch, Span<float> hidden) => inner.Forward(batch, hidden);

        public void Dispose() => inner.Dispose();
    }
}
