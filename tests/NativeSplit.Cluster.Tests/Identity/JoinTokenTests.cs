using Microsoft.Extensions.Time.Testing;
using NativeSplit.Cluster.Identity;
using NativeSplit.Placement;

namespace NativeSplit.Cluster.Tests.Identity;

public sealed class JoinTokenTests : IDisposable
{
    private static readonly NodeId Worker = new("worker-1");
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 5, 1, 12, 0, 0, TimeSpan.Zero));
    private readonly ClusterAuthority _authority;
    private readonly JoinTokenStore _store;

    public JoinTokenTests()
    {
        _authority = ClusterAuthority.Create(_time);
        _store = new JoinTokenStore(_authority, _time);
    }

    public void Dispose() => _authority.Dispose();

    [Fact]
    public void Parse_ReadsBack_WhatToTextWrote()
    {
        JoinToken token = _store.Create(Worker);
        JoinToken again = JoinToken.Parse(token.ToText() + "\n");
        Assert.Equal(token.Secret.ToArray(), again.Secret.ToArray());
        Assert.Equal(_authority.Hash.ToArray(), again.AuthorityHash.ToArray());
    }

    [Fact]
    public void ToString_HidesTheSecret()
    {
        JoinToken token = _store.Create(Worker);
        string secret = token.ToText().Split('.')[2];
        Assert.DoesNotContain(secret, token.ToString());
    }

    [Theory]
    [InlineData("")]
    [InlineData("nsj1")]
    [InlineData("nsj1.a.b")]
    [InlineData("nsj2.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    [InlineData("nsj1.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    [InlineData("nsj1.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA.!AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    public void Parse_ThrowsBadToken_WhenTheFormIsAnother(string text) =>
        Assert.Equal(ClusterFault.BadToken, Assert.Throws<ClusterException>(() => JoinToken.Parse(text)).Fault);

    [Fact]
    public void TryRedeem_GivesTheName_Once()
    {
        JoinToken token = _store.Create(Worker);
        Assert.True(_store.TryRedeem(token.Secret.Span, out NodeId node, out _));
        Assert.Equal(Worker, node);
        Assert.False(_store.TryRedeem(token.Secret.Span, out _, out _));
    }

    [Fact]
    public void TryRedeem_Refuses_AfterAnHour()
    {
        JoinToken token = _store.Create(Worker);
        _time.Advance(TimeSpan.FromHours(1));
        Assert.False(_store.TryRedeem(token.Secret.Span, out _, out _));
    }

    [Fact]
    public void TryRedeem_Refuses_WhenTheSecretIsUnknown() => Assert.False(_store.TryRedeem(new byte[32], out _, out _));
}
