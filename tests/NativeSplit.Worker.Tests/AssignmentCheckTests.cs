using System.Net;
using NativeSplit.Cluster;
using NativeSplit.Cluster.Identity;
using NativeSplit.Cluster.Messages;
using NativeSplit.Cluster.Plans;
using NativeSplit.Placement;

namespace NativeSplit.Worker.Tests;

/// <summary>A worker judges an assignment before it maps or allocates anything for it.</summary>
public sealed class AssignmentCheckTests
{
    [Theory]
    [InlineData(-1, 4, 0, 8, 8, 64, "layers")]
    [InlineData(4, 4, 0, 8, 8, 64, "layers")]
    [InlineData(4, 9, 0, 8, 8, 64, "layers")]
    [InlineData(0, 4, 9, 8, 8, 64, "encoding")]
    [InlineData(0, 4, 0, 0, 8, 64, "rows")]
    [InlineData(0, 4, 0, int.MaxValue, 8, 64, "rows")]
    [InlineData(0, 4, 0, 8, 0, 64, "sequences")]
    [InlineData(0, 4, 0, 8, int.MaxValue, 64, "sequences")]
    [InlineData(0, 4, 0, 8, 8, 0, "KV cache")]
    [InlineData(0, 4, 0, 8, 8, int.MaxValue, "KV cache")]
    public async Task Throw_NamesWhatIsWrong(int start, int end, byte encoding, int rows, int sequences, int kv, string words)
    {
        await using InProcessCluster cluster = await InProcessCluster.StartAsync(InProcessCluster.PlanOf((8, "gateway")), startWorkers: false);
        WorkerOptions options = OptionsOf(cluster);
        var assignment = new AssignStage
        {
            Epoch = 1,
            Stage = 0,
            LayerStart = start,
            LayerEnd = end,
            ModelFingerprint = cluster.Model.Fingerprint.Value,
            Encoding = encoding,
            MaxRows = rows,
            MaxSequences = sequences,
            KvTokens = kv,
            Previous = "",
        };
        ClusterException e = Assert.Throws<ClusterException>(() => AssignmentCheck.Throw(assignment, options, GuardOf(options)));
        Assert.Equal(ClusterFault.StageRefused, e.Fault);
        Assert.Contains(words, e.Message);
    }

    [Fact]
    public async Task Throw_AcceptsWhatTheSignedPlanSays()
    {
        await using InProcessCluster cluster = await InProcessCluster.StartAsync(InProcessCluster.PlanOf((8, "gateway")), startWorkers: false);
        WorkerOptions options = OptionsOf(cluster);
        PlanGuard guard = GuardOf(options);
        guard.Accept(Sign(cluster, Middle, cluster.Model.Fingerprint.Value).Bytes);
        AssignmentCheck.Throw(Good(cluster), options, guard);
    }

    [Fact]
    public async Task Throw_RefusesAnAssignment_ThatNoSignedPlanStandsBehind()
    {
        await using InProcessCluster cluster = await InProcessCluster.StartAsync(InProcessCluster.PlanOf((8, "gateway")), startWorkers: false);
        WorkerOptions options = OptionsOf(cluster);
        ClusterException none = Assert.Throws<ClusterException>(() => AssignmentCheck.Throw(Good(cluster), options, GuardOf(options)));
        Assert.Contains("wasn't published", none.Message);

        PlanGuard guard = GuardOf(options);
        using ClusterAuthority foreign = ClusterAuthority.Create(TimeProvider.System);
        using var signer = new PlanSigner(foreign, new NodeId("gateway"), TimeProvider.System);
        Assert.Throws<ClusterException>(() => guard.Accept(signer.Sign(Middle, cluster.Model.Fingerprint.Value, 1, null).Bytes));
        ClusterException forged = Assert.Throws<ClusterException>(() => AssignmentCheck.Throw(Good(cluster), options, guard));
        Assert.Equal(ClusterFault.StageRefused, forged.Fault);
        Assert.Contains(nameof(PlanRefusal.WrongKey), forged.Message);
    }

    [Fact]
    public async Task Throw_RefusesAnAssignment_ThatSaysMoreThanTheSignedPlan()
    {
        await using InProcessCluster cluster = await InProcessCluster.StartAsync(InProcessCluster.PlanOf((8, "gateway")), startWorkers: false);
        WorkerOptions options = OptionsOf(cluster);
        PlanGuard guard = GuardOf(options);
        guard.Accept(Sign(cluster, Middle, cluster.Model.Fingerprint.Value).Bytes);
        AssignStage good = Good(cluster);
        string other = cluster.IdentityOf(new NodeId("x"), cluster.Authority).Self.Uri;
        AssignStage[] forged =
        [
            good with { Epoch = 2 },
            good with { LayerStart = 1 },
            good with { LayerEnd = 6 },
            good with { Stage = 0 },
            good with { Stage = 2 },
            good with { Stage = 9 },
            good with { Previous = other },
            good with { Next = null },
            good with { Next = new NextHop(other, "127.0.0.1", 7) },
        ];
        Assert.All(forged, assignment => Assert.Equal(
            ClusterFault.StageRefused, Assert.Throws<ClusterException>(() => AssignmentCheck.Throw(assignment, options, guard)).Fault));
    }

    [Fact]
    public async Task Throw_RefusesAnAssignment_WhosePlanIsForAnotherModel()
    {
        await using InProcessCluster cluster = await InProcessCluster.StartAsync(InProcessCluster.PlanOf((8, "gateway")), startWorkers: false);
        WorkerOptions options = OptionsOf(cluster);
        PlanGuard guard = GuardOf(options);
        guard.Accept(Sign(cluster, Middle, "ab").Bytes);
        Assert.Contains("another model", Assert.Throws<ClusterException>(() => AssignmentCheck.Throw(Good(cluster), options, guard)).Message);
    }

    private static Plan Middle => InProcessCluster.PlanOf((2, "gateway"), (5, "w"), (8, "w-2"));

    private static SignedPlan Sign(InProcessCluster cluster, Plan plan, string model)
    {
        using var signer = new PlanSigner(cluster.Authority, new NodeId("gateway"), TimeProvider.System);
        return signer.Sign(plan, model, 1, null);
    }

    private static AssignStage Good(InProcessCluster cluster) => new()
    {
        Epoch = 1,
        Stage = 1,
        LayerStart = 2,
        LayerEnd = 5,
        ModelFingerprint = cluster.Model.Fingerprint.Value,
        Encoding = 0,
        MaxRows = 8,
        MaxSequences = 8,
        KvTokens = 64,
        Previous = cluster.IdentityOf(new NodeId("w"), cluster.Authority).Gateway.Uri,
        Next = new NextHop(cluster.IdentityOf(new NodeId("w-2"), cluster.Authority).Self.Uri, "127.0.0.1", 7),
    };

    private static WorkerOptions OptionsOf(InProcessCluster cluster) => new()
    {
        Model = cluster.Model,
        Gateway = new IPEndPoint(IPAddress.Loopback, 1),
        Identity = cluster.IdentityOf(new NodeId("w"), cluster.Authority),
        Executors = cluster.CreateExecutor,
        WeightBytes = _ => 0,
    };

    private static PlanGuard GuardOf(WorkerOptions options) => new(options.Identity, null, _ => { }, TimeProvider.System);
}
