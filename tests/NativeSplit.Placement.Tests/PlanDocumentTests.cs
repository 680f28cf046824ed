using NativeSplit.Model;

namespace NativeSplit.Placement.Tests;

public sealed class PlanDocumentTests
{
    [Fact]
    public void Parse_ReadsEpochAndSegments_WhenTheDocumentIsGood()
    {
        Plan plan = PlanDocument.Parse("""{"epoch": 7, "segments": [{"layers": [0, 2], "node": "gateway"}, {"layers": [2, 8], "node": "worker-1"}]}""");

        Assert.Equal(new PlanEpoch(7), plan.Epoch);
        Assert.Equal([new PlanSegment(new LayerRange(0, 2), new NodeId("gateway")), new PlanSegment(new LayerRange(2, 8), new NodeId("worker-1"))], plan.Segments);
    }

    [Fact]
    public void Format_GivesTheSamePlan_WhenReadAgain()
    {
        var plan = new Plan(new PlanEpoch(3), [new PlanSegment(new LayerRange(0, 8), new NodeId("a"))]);
        Plan again = PlanDocument.Parse(PlanDocument.Format(plan));
        Assert.Equal(plan.Epoch, again.Epoch);
        Assert.Equal(plan.Segments, again.Segments);
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"epoch": 0, "segments": []}""")]
    [InlineData("""{"epoch": -1, "segments": []}""")]
    [InlineData("""{"epoch": 1, "segments": null}""")]
    [InlineData("""{"epoch": 1, "segments": [null]}""")]
    [InlineData("""{"epoch": 1, "segments": [{"layers": [0], "node": "a"}]}""")]
    [InlineData("""{"epoch": 1, "segments": [{"layers": [2, 2], "node": "a"}]}""")]
    [InlineData("""{"epoch": 1, "segments": [{"layers": [-1, 2], "node": "a"}]}""")]
    [InlineData("""{"epoch": 1, "segments": [{"layers": [0, 2], "node": "A_"}]}""")]
    [InlineData("""{"epoch": 1, "segments": [{"layers": [0, 2], "node": null}]}""")]
    [InlineData("""{"epoch": 1, "segment": []}""")]
    public void Parse_ThrowsMalformed_WhenTheDocumentIsBad(string json) =>
        Assert.Equal(PlanFault.Malformed, Assert.Throws<PlanException>(() => PlanDocument.Parse(json)).Fault);
}
