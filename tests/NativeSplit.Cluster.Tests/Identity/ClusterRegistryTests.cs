using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Time.Testing;
using NativeSplit.Cluster.Identity;
using NativeSplit.Placement;
using NativeSplit.Testing;

namespace NativeSplit.Cluster.Tests.Identity;

/// <summary>Tokens and certificates in a folder that a gateway and the command line use at once.</summary>
public sealed class ClusterRegistryTests : IDisposable
{
    private static readonly NodeId Worker = new("worker-1");
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 5, 1, 12, 0, 0, TimeSpan.Zero));
    private readonly TemporaryFolder _folder = new();
    private readonly CredentialStore _store;
    private readonly ClusterAuthority _authority;

    public ClusterRegistryTests()
    {
        _store = new CredentialStore(_folder.Path);
        _authority = _store.LoadOrCreateAuthority(_time);
    }

    public void Dispose()
    {
        _authority.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void TryRedeem_TakesAToken_WhenAnotherProcessMadeIt()
    {
        JoinToken token = Tokens().Create(Worker);
        JoinTokenStore gateway = Tokens();
        Assert.Equal(["worker-1"], gateway.List().Select(open => open.Node));
        Assert.True(gateway.TryRedeem(token.Secret.Span, out NodeId node, out _));
        Assert.Equal(Worker, node);
        Assert.False(Tokens().TryRedeem(token.Secret.Span, out _, out _));
        Assert.Empty(Tokens().List());
    }

    [Fact]
    public void TryRedeem_Refuses_WhenTheTokenWasTakenBack()
    {
        JoinToken token = Tokens().Create(Worker);
        string id = Assert.Single(Tokens().List()).Id;
        Assert.False(Tokens().Revoke(id + "0"));
        Assert.True(Tokens().Revoke(id));
        Assert.False(Tokens().Revoke(id));
        Assert.False(Tokens().TryRedeem(token.Secret.Span, out _, out _));
    }

    [Fact]
    public void List_LeavesOut_WhatHasEnded()
    {
        Tokens().Create(Worker, TimeSpan.FromMinutes(10));
        Tokens().Create(new NodeId("worker-2"), TimeSpan.FromMinutes(30));
        _time.Advance(TimeSpan.FromMinutes(10));
        Assert.Equal(["worker-2"], Tokens().List().Select(open => open.Node));
        Assert.Throws<ArgumentOutOfRangeException>(() => Tokens().Create(Worker, TimeSpan.Zero));
        Assert.Throws<ArgumentOutOfRangeException>(() => Tokens().Create(Worker, JoinTokenStore.LongestLifetime + TimeSpan.FromTicks(1)));
    }

    [Fact]
    public void Registry_HoldsNoSecret_AndIsItsOwnersAlone()
    {
        JoinToken token = Tokens().Create(Worker);
        string path = Path.Combine(_folder.Path, "registry.json");
        string text = File.ReadAllText(path);
        Assert.DoesNotContain(Convert.ToBase64String(token.Secret.Span), text, StringComparison.Ordinal);
        Assert.DoesNotContain(Convert.ToHexStringLower(token.Secret.Span), text, StringComparison.OrdinalIgnoreCase);
        Assert.Contains(Convert.ToHexStringLower(SHA256.HashData(token.Secret.Span)), text, StringComparison.Ordinal);
        Assert.SkipWhen(OperatingSystem.IsWindows(), "skipped: file modes are Unix");
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
    }

    [Fact]
    public async Task Change_LosesNothing_WhenManyChangeAtOnce()
    {
        await Task.WhenAll(Enumerable.Range(0, 8).Select(writer => Task.Run(
            () =>
            {
                JoinTokenStore own = Tokens();
                for (int i = 0; i < 10; i++)
                {
                    own.Create(new NodeId($"w{writer}-{i}"));
                }
            },
            TestContext.Current.CancellationToken)));
        Assert.Equal(80, Tokens().List().Select(open => open.Node).Distinct().Count());
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("{\"tokens\":null,\"certificates\":[]}")]
    [InlineData("[1,2]")]
    public void Everything_IsRefused_WhenTheFileIsDamaged(string text)
    {
        JoinToken token = Tokens().Create(Worker);
        using X509Certificate2 certificate = _authority.IssueWithKey(NodeRole.Worker, Worker);
        _folder.Write("registry.json", text);
        Assert.Equal(ClusterFault.BadIdentity, Assert.Throws<ClusterException>(() => Tokens().TryRedeem(token.Secret.Span, out _, out _)).Fault);
        Assert.Equal(ClusterFault.BadIdentity, Assert.Throws<ClusterException>(() => Nodes().IsRevoked(certificate)).Fault);
        Assert.Equal(text, File.ReadAllText(Path.Combine(_folder.Path, "registry.json")));
    }

    [Fact]
    public void IsRevoked_HoldsForEveryCertificateOfTheNode_AndForNoLaterOne()
    {
        using X509Certificate2 first = Issue(Worker);
        using X509Certificate2 second = Issue(Worker);
        using X509Certificate2 other = Issue(new NodeId("worker-2"));
        Assert.False(Nodes().IsRevoked(first));
        Assert.Equal(2, Nodes().Revoke(Worker));
        Assert.Equal(0, Nodes().Revoke(Worker));
        Assert.True(Nodes().IsRevoked(first) && Nodes().IsRevoked(second));
        Assert.False(Nodes().IsRevoked(other));

        using X509Certificate2 again = Issue(Worker);
        Assert.False(Nodes().IsRevoked(again));
        Assert.Equal([true, true, false, false], Nodes().List().Select(certificate => certificate.Revoked is not null));
        _time.Advance(ClusterAuthority.NodeLifetime);
        Assert.Empty(Nodes().List());
    }

    [Fact]
    public void LoadAuthority_SaysWhatToGive_WhenTheFolderHoldsNone()
    {
        using var empty = new TemporaryFolder();
        ClusterException e = Assert.Throws<ClusterException>(() => new CredentialStore(empty.Path).LoadAuthority(_time));
        Assert.Equal(ClusterFault.BadIdentity, e.Fault);
        Assert.Contains("--data", e.Message, StringComparison.Ordinal);
    }

    private JoinTokenStore Tokens() => new(_authority, _time, new ClusterRegistry(_store));

    private NodeRegistry Nodes() => new(new ClusterRegistry(_store), _time);

    private X509Certificate2 Issue(NodeId node)
    {
        X509Certificate2 certificate = _authority.IssueWithKey(NodeRole.Worker, node);
        Nodes().Record(node, certificate);
        return certificate;
    }
}
