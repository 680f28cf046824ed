using NativeSplit.Cluster.Identity;
using NativeSplit.Placement;

namespace NativeSplit.Cluster.Tests.Identity;

public sealed class NodeIdentityTests
{
    [Theory]
    [InlineData(NodeRole.Worker, "spiffe://d-1/worker/w1")]
    [InlineData(NodeRole.Gateway, "spiffe://d-1/gateway/w1")]
    public void Uri_ReadsBack_WhenParsed(NodeRole role, string uri)
    {
        var identity = new NodeIdentity("d-1", role, new NodeId("w1"));
        Assert.Equal(uri, identity.Uri);
        Assert.True(NodeIdentity.TryParse(uri, out NodeIdentity again));
        Assert.Equal(identity, again);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("https://d/worker/w1")]
    [InlineData("spiffe://d/worker")]
    [InlineData("spiffe://d/worker/w1/x")]
    [InlineData("spiffe:///worker/w1")]
    [InlineData("spiffe://d/admin/w1")]
    [InlineData("spiffe://d/worker/W1")]
    [InlineData("spiffe://d/Worker/w1")]
    [InlineData("spiffe://d/worker/w1 ")]
    public void TryParse_Refuses_WhenTheFormIsAnother(string? uri) => Assert.False(NodeIdentity.TryParse(uri, out _));
}
