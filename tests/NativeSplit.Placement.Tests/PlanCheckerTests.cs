using NativeSplit.Model;

namespace NativeSplit.Placement.Tests;

public sealed class PlanCheckerTests
{
    private static readonly NodeId Gateway = new("gateway");
    private static readonly NodeId WorkerA = new("worker-a");
    private static readonly NodeId WorkerB = new("worker-b");
    private static readonly HashSet<NodeId> Trusted = [Gateway];

    [Fact]
    public void Check_FindsNothing_WhenTheSegmentsTileTheModel() =>
        Assert.Empty(Check(8, (0, 2, Gateway), (2, 5, WorkerA), (5, 7, WorkerB), (7, 8, Gateway)));

    [Fact]
    public void Check_FindsNothing_WhenOneNodeRunsAll() => Assert.Empty(Check(8, (0, 8, WorkerA)));

    [Fact]
    public void Check_NamesTheGap_WhenLayersRunNowhere() =>
        Assert.Contains("[2, 3)", Assert.Single(Check(8, (0, 2, Gateway), (3, 8, WorkerA))));

    [Fact]
    public void Check_NamesTheOverlap_WhenLayersRunTwice() =>
        Assert.Contains("overlaps", Assert.Single(Check(8, (0, 4, Gateway), (3, 8, WorkerA))));

    [Fact]
    public void Check_NamesTheRest_WhenThePlanEndsEarly() =>
        Assert.Contains("[6, 8)", Assert.Single(Check(8, (0, 6, WorkerA))));

    [Fact]
    public void Check_NamesBothCounts_WhenThePlanIsForALargerModel()
    {
        string fault = Assert.Single(Check(8, (0, 12, WorkerA)));
        Assert.Contains("12", fault);
        Assert.Contains("8 layers", fault);
    }

    [Fact]
    public void Check_Refuses_WhenAnUntrustedNodeHoldsTwoSegments() =>
        Assert.Contains("untrusted", Assert.Single(Check(8, (0, 2, WorkerA), (2, 4, Gateway), (4, 8, WorkerA))));

    [Fact]
    public void Check_Refuses_WhenATrustedNodeHoldsThreeSegments() =>
        Assert.Contains("prefix and a suffix", Assert.Single(Check(8, (0, 1, Gateway), (1, 2, WorkerA), (2, 3, Gateway), (3, 4, WorkerB), (4, 8, Gateway))));

    [Fact]
    public void Check_Refuses_WhenNeighboursShareANode() =>
        Assert.Contains("neighbours", Assert.Single(Check(8, (0, 2, Gateway), (2, 8, Gateway))));

    [Fact]
    public void Check_Refuses_WhenThereIsNoSegment() => Assert.Contains("no segment", Assert.Single(Check(8)));

    private static IReadOnlyList<string> Check(int layerCount, params (int Start, int End, NodeId Node)[] segments) =>
        PlanChecker.Check(new Plan(new PlanEpoch(1), [.. segments.Select(s => new PlanSegment(new LayerRange(s.Start, s.End), s.Node))]), layerCount, Trusted);
}
