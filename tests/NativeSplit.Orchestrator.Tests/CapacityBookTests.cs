using NativeSplit.Cluster.Capacity;
using NativeSplit.Cluster.Stages;
using NativeSplit.Model;
using NativeSplit.Placement;
using NativeSplit.Placement.Problems;

namespace NativeSplit.Orchestrator.Tests;

public sealed class CapacityBookTests
{
    private static readonly NodeId Node = new("worker-1");
    private static readonly PlanSegment Segment = new(new LayerRange(2, 6), Node);
    private readonly CapacityBook _book = new();

    [Fact]
    public void Observe_TakesAProbe_WhenNoStageHasRun()
    {
        _book.Observe(Node, Profile(1000, 100), At(0));
        _book.Observe(Node, Profile(2000, 200), At(30));
        NodeEstimate node = Assert.Single(_book.Nodes);
        Assert.Equal(1300, node.Decode.Mean, 9);
        Assert.Equal(130, node.Prefill.Mean, 9);
        Assert.Equal(SampleSource.Probe, node.Decode.Source);
    }

    [Fact]
    public void Observe_TakesTimePerLayer_FromWhatAStageDidSinceItsLastReading()
    {
        _book.Observe(Node, Profile(1000, 100), At(0));
        _book.Observe([Reading(new StageSums(10, 10, 999_999, 10, 10, 999_999))], At(1));
        Assert.Equal(1000, _book.Nodes.Single().Decode.Mean, 9);

        // 20 decode batches in 400 µs over 4 layers: 5 µs a layer. One prompt of 40 rows in 320 µs: 2 µs a row and layer.
        _book.Observe([Reading(new StageSums(31, 70, 1_000_719, 30, 30, 1_000_399))], At(2));
        NodeEstimate node = _book.Nodes.Single();
        Assert.Equal(1000 + (Estimate.Alpha * (5000 - 1000)), node.Decode.Mean, 9);
        Assert.Equal(100 + (Estimate.Alpha * (2000 - 100)), node.Prefill.Mean, 9);
        Assert.Equal(SampleSource.Stage, node.Decode.Source);
    }

    [Fact]
    public void Observe_LetsAStageOutweighProbes_WhileItIsFresh()
    {
        _book.Observe(Node, Profile(1000, 100), At(0));
        _book.Observe([Reading(default)], At(1));
        _book.Observe([Reading(new StageSums(10, 10, 400, 10, 10, 400))], At(2));
        double mean = _book.Nodes.Single().Decode.Mean;
        _book.Observe(Node, Profile(1000, 100, memory: 77), At(3));
        Assert.Equal((mean, 77), (_book.Nodes.Single().Decode.Mean, _book.Nodes.Single().MemoryBytes));
        _book.Observe(Node, Profile(1000, 100), At(3) + CapacityBook.StageFreshness);
        Assert.Equal(SampleSource.Probe, _book.Nodes.Single().Decode.Source);
    }

    [Fact]
    public void Observe_StartsAnew_WhenAPlanWithTheSameSegmentHasAnotherEpoch()
    {
        _book.Observe(Node, Profile(1000, 100), At(0));
        _book.Observe([Reading(new StageSums(10, 10, 100, 10, 10, 100))], At(1));
        _book.Observe([Reading(new StageSums(12, 12, 90_000, 12, 12, 90_000), epoch: 2)], At(2));
        Assert.Equal(1000, _book.Nodes.Single().Decode.Mean, 9);
    }

    [Fact]
    public void Observe_LeavesOutFewSteps_AndUnknownNodes()
    {
        _book.Observe([Reading(default)], At(0));
        _book.Observe([Reading(new StageSums(10, 10, 400, 10, 10, 400))], At(1));
        Assert.Empty(_book.Nodes);
        _book.Observe(Node, Profile(1000, 100), At(1));
        _book.Observe([Reading(new StageSums(13, 13, 90_000, 13, 13, 90_000))], At(2));
        Assert.Equal(1000, _book.Nodes.Single().Decode.Mean, 9);
    }

    [Fact]
    public void Forget_DropsTheNodeAndItsLinks()
    {
        NodeId other = new("worker-2");
        _book.Observe(Node, Profile(1000, 100), At(0));
        _book.Observe(new LinkFacts(Node, other, 10, 1000), At(0));
        _book.Observe(new LinkFacts(other, Node, 10, 1000), At(0));
        Assert.True(_book.Joins(Node, other));
        _book.Forget(Node);
        Assert.Empty(_book.Nodes);
        Assert.Empty(_book.Links);
    }

    private static TimeSpan At(int seconds) => TimeSpan.FromSeconds(seconds);

    private static CapacityProfile Profile(long decode, long prefill, long memory = 1000) =>
        new() { Backend = "cpu/avx2", Processors = 1, MemoryBytes = memory, DecodeNanosecondsPerStep = decode, PrefillNanosecondsPerRow = prefill };

    private static StageReading Reading(StageSums sums, ulong epoch = 1) => new(new PlanEpoch(epoch), Segment, sums);
}
