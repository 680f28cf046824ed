using Microsoft.Extensions.Time.Testing;
using NativeSplit.Cluster.Messages;
using NativeSplit.Engine;
using NativeSplit.Engine.Execution;
using NativeSplit.Placement;
using NativeSplit.Transport.Frames;

namespace NativeSplit.Worker.Tests;

/// <summary>A worker of the plan, with a good certificate, that doesn't keep to the protocol harms no other node and holds up nobody.</summary>
public sealed class HostileWorkerTests
{
    private static readonly Plan TwoWorkers = InProcessCluster.PlanOf((4, "worker-1"), (8, "worker-2"));
    private static readonly Plan OneWorker = InProcessCluster.PlanOf((8, "worker-1"));

    public static TheoryData<StageMessage> AnswersForStageZero =>
    [
        new SequenceReserved { Epoch = 1, Stage = 0, Sequence = 1, Granted = true },
        new StepFailed { Epoch = 1, Stage = 0, Batch = 1, Reason = "forged" },
        new StepFailed { Epoch = 1, Stage = 9, Batch = 1, Reason = "no such stage" },
    ];

    public static TheoryData<NodeHello> BadHellos =>
    [
        RawWorker.GoodHello with { Port = 0 },
        RawWorker.GoodHello with { Port = -1 },
        RawWorker.GoodHello with { Port = 65536 },
        RawWorker.GoodHello with { AdvertisedHost = "" },
        RawWorker.GoodHello with { AdvertisedHost = "a b" },
    ];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(AnswersForStageZero))]
    public async Task Gateway_DropsAWorker_ThatAnswersForAStageOfAnother(StageMessage forged)
    {
        await using InProcessCluster cluster = await InProcessCluster.StartAsync(TwoWorkers, startWorkers: false);
        await using RawWorker second = await RawWorker.ConnectAsync(cluster, "worker-2");
        await second.SendAsync(forged);
        await second.ExpectClosedAsync();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(3)]
    public async Task Gateway_DropsAWorker_ThatSendsRowsAsIfFromAStageOfAnother(ushort stage)
    {
        await using InProcessCluster cluster = await InProcessCluster.StartAsync(TwoWorkers, startWorkers: false);
        await using RawWorker second = await RawWorker.ConnectAsync(cluster, "worker-2");
        await second.SendRowsAsync(new FrameHeader(1, 1, stage, 0, 1, 1), new byte[16 + (128 * 4)]);
        await second.ExpectClosedAsync();
    }

    [Theory]
    [MemberData(nameof(BadHellos))]
    public async Task Gateway_DropsAWorker_ThatCannotBeReached(NodeHello hello)
    {
        await using InProcessCluster cluster = await InProcessCluster.StartAsync(TwoWorkers, startWorkers: false);
        await using RawWorker worker = await RawWorker.ConnectAsync(cluster, "worker-1");
        await worker.SendAsync(hello);
        await worker.ExpectClosedAsync();
    }

    [Fact]
    public async Task Gateway_DropsAWorker_ThatSaysHelloTwice()
    {
        await using InProcessCluster cluster = await InProcessCluster.StartAsync(TwoWorkers, startWorkers: false);
        await using RawWorker worker = await RawWorker.ConnectAsync(cluster, "worker-1");
        await worker.SendAsync(RawWorker.GoodHello);
        await worker.SendAsync(RawWorker.GoodHello);
        await worker.ExpectClosedAsync();
    }

    [Fact]
    public async Task Gateway_KeepsOneSilentLinkOfANode()
    {
        await using InProcessCluster cluster = await InProcessCluster.StartAsync(TwoWorkers, startWorkers: false);
        await using RawWorker first = await RawWorker.ConnectAsync(cluster, "worker-1");
        await using RawWorker second = await RawWorker.ConnectAsync(cluster, "worker-1");
        await first.ExpectClosedAsync();
    }

    [Fact]
    public async Task InForce_Faults_WhenAWorkerHoldsTooLittle()
    {
        await using InProcessCluster cluster = await InProcessCluster.StartAsync(OneWorker, startWorkers: false);
        await using RawWorker worker = await RawWorker.ConnectAsync(cluster, "worker-1");
        await worker.SendAsync(RawWorker.GoodHello);
        AssignStage assignment = await worker.ReceiveAsync<AssignStage>();
        await worker.SendAsync(new StageReady { Epoch = 1, Stage = 0, Backend = "raw", WeightBytes = 1, KvTokens = assignment.KvTokens - 1 });
        var e = await Assert.ThrowsAsync<Cluster.ClusterException>(() => cluster.Driver.InForce.WaitAsync(Cancel));
        Assert.Contains($"{assignment.KvTokens - 1} positions", e.Message);
    }

    [Fact]
    public async Task Reservation_Fails_AndTheWorkerIsLetGo_WhenItDoesNotAnswerInTime()
    {
        var time = new FakeTimeProvider();
        await using InProcessCluster cluster = await InProcessCluster.StartAsync(OneWorker, time: time, startWorkers: false);
        await using RawWorker worker = await RawWorker.ConnectAsync(cluster, "worker-1");
        await worker.JoinAsync();
        await cluster.Driver.InForce.WaitAsync(Cancel);

        Task<bool> reservation = cluster.Driver.Path.TryReserveAsync(new SequenceId(1), 4, Cancel).AsTask();
        await worker.ReceiveAsync<ReserveSequence>();
        time.Advance(TimeSpan.FromSeconds(31));

        EngineException e = await Assert.ThrowsAsync<EngineException>(() => reservation);
        Assert.Equal(EngineFault.PathBroken, e.Fault);
        Assert.Contains("worker-1", e.Message);
        Assert.Contains("30 s", e.Message);
        await worker.ExpectClosedAsync();
    }

    [Fact]
    public async Task Step_Fails_WhenTheWorkerTakesNoRows()
    {
        var time = new FakeTimeProvider();
        await using InProcessCluster cluster = await InProcessCluster.StartAsync(OneWorker, time: time, startWorkers: false);
        await using RawWorker worker = await RawWorker.ConnectAsync(cluster, "worker-1");
        await worker.JoinAsync();
        await cluster.Driver.InForce.WaitAsync(Cancel);

        Task<bool> reservation = cluster.Driver.Path.TryReserveAsync(new SequenceId(1), 4, Cancel).AsTask();
        ReserveSequence asked = await worker.ReceiveAsync<ReserveSequence>();
        await worker.SendAsync(new SequenceReserved { Epoch = asked.Epoch, Stage = asked.Stage, Sequence = asked.Sequence, Granted = true });
        Assert.True(await reservation);

        // More than all socket buffers hold, so the send waits for a reader that never comes.
        const int Rows = 65536;
        Task step = cluster.Driver.Path.ForwardAsync(new[] { new SequenceRows(new SequenceId(1), 0, Rows) }, new float[Rows * cluster.Shape.HiddenSize], Cancel).AsTask();
        Assert.False(step.IsCompleted);
        time.Advance(TimeSpan.FromSeconds(31));

        EngineException e = await Assert.ThrowsAsync<EngineException>(() => step);
        Assert.Equal(EngineFault.PathBroken, e.Fault);

        // The path isn't held up either: it is broken, and says by whom.
        EngineException next = await Assert.ThrowsAsync<EngineException>(async () => await cluster.Driver.Path.TryReserveAsync(new SequenceId(2), 4, Cancel));
        Assert.Contains("worker-1", next.Message);
    }
}
