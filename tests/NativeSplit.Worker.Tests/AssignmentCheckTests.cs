using System.Net;
using NativeSplit.Cluster;
using NativeSplit.Cluster.Messages;
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
        var options = new WorkerOptions
        {
            Model = cluster.Model,
            Gateway = new IPEndPoint(IPAddress.Loopback, 1),
            Identity = cluster.IdentityOf(new NodeId("w"), cluster.Authority),
            Executors = cluster.CreateExecutor,
            WeightBytes = _ => 0,
        };
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
        ClusterException e = Assert.Throws<ClusterException>(() => AssignmentCheck.Throw(assignment, options));
        Assert.Equal(ClusterFault.StageRefused, e.Fault);
        Assert.Contains(words, e.Message);
    }
}
