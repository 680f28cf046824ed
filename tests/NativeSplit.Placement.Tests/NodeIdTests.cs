namespace NativeSplit.Placement.Tests;

public sealed class NodeIdTests
{
    [Theory]
    [InlineData("a")]
    [InlineData("worker-1")]
    [InlineData("0")]
    public void IsValid_Accepts_WhenTheNameIsADnsLabel(string name) => Assert.True(NodeId.IsValid(name));

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("-a")]
    [InlineData("a-")]
    [InlineData("Worker")]
    [InlineData("a.b")]
    [InlineData("a b")]
    [InlineData("é")]
    public void IsValid_Refuses_WhenItIsNot(string? name) => Assert.False(NodeId.IsValid(name));

    [Fact]
    public void IsValid_JudgesLength_At63()
    {
        Assert.True(NodeId.IsValid(new string('a', 63)));
        Assert.False(NodeId.IsValid(new string('a', 64)));
    }
}
