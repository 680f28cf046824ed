using System.Security.Cryptography;
using Microsoft.Extensions.Time.Testing;
using NativeSplit.Cluster.Identity;
using NativeSplit.Placement;
using NativeSplit.Transport.Links;

namespace NativeSplit.Cluster.Tests.Identity;

public sealed class CredentialStoreTests : IDisposable
{
    private readonly string _folder = Path.Combine(Path.GetTempPath(), $"nativesplit-{Guid.NewGuid():N}");
    private readonly FakeTimeProvider _time = new(DateTimeOffset.UtcNow);

    public void Dispose()
    {
        if (Directory.Exists(_folder))
        {
            Directory.Delete(_folder, recursive: true);
        }
    }

    [Fact]
    public void LoadOrCreateAuthority_GivesTheSameAuthority_WhenCalledAgain()
    {
        var store = new CredentialStore(_folder);
        using ClusterAuthority first = store.LoadOrCreateAuthority(_time);
        using ClusterAuthority second = store.LoadOrCreateAuthority(_time);
        Assert.Equal(first.Hash.ToArray(), second.Hash.ToArray());
        using var issued = second.IssueWithKey(NodeRole.Worker, new NodeId("w"));
    }

    [Fact]
    public void Save_KeepsTheFilesToTheOwner()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "skipped: no Unix file modes");
        Save(out CredentialStore _);
        Assert.All(Directory.GetFiles(_folder), file => Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file)));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(_folder));
    }

    [Fact]
    public void TryLoad_GivesTheIdentity_WhileItHolds()
    {
        JoinedNode saved = Save(out CredentialStore store);
        JoinedNode? loaded = store.TryLoad(_time);
        Assert.NotNull(loaded);
        Assert.Equal(saved.Self, loaded.Self);
        Assert.Equal(saved.Gateway, loaded.Gateway);
        Assert.Equal(saved.Credentials.Certificate.Thumbprint, loaded.Credentials.Certificate.Thumbprint);
        Assert.True(loaded.Credentials.Certificate.HasPrivateKey);
    }

    [Fact]
    public void TryLoad_GivesNothing_WhenTheCertificateIsOver()
    {
        Save(out CredentialStore store);
        _time.Advance(TimeSpan.FromHours(25));
        Assert.Null(store.TryLoad(_time));
    }

    [Fact]
    public void TryLoad_PassesAnIdentityOver_WhenTheTokenIsOfAnotherAuthority()
    {
        JoinedNode saved = Save(out CredentialStore store);
        byte[] same = SHA256.HashData(saved.Credentials.Authority.RawData);
        Assert.NotNull(store.TryLoad(_time, new JoinToken(same, new byte[32])));
        Assert.Null(store.TryLoad(_time, new JoinToken(new byte[32], new byte[32])));
    }

    [Fact]
    public void TryLoad_GivesNothing_WhenTheFolderIsEmpty() => Assert.Null(new CredentialStore(_folder).TryLoad(_time));

    [Theory]
    [InlineData("node.pem")]
    [InlineData("root.pem")]
    [InlineData("gateway.txt")]
    public void TryLoad_ThrowsBadIdentity_WhenAFileIsDamaged(string file)
    {
        Save(out CredentialStore store);
        File.WriteAllText(Path.Combine(_folder, file), "rubbish");
        ClusterException e = Assert.Throws<ClusterException>(() => store.TryLoad(_time));
        Assert.Equal(ClusterFault.BadIdentity, e.Fault);
        Assert.Contains(file, e.Message);
    }

    private JoinedNode Save(out CredentialStore store)
    {
        using ClusterAuthority authority = ClusterAuthority.Create(_time);
        var node = new NodeId("worker-1");
        var certificate = authority.IssueWithKey(NodeRole.Worker, node);
        var joined = new JoinedNode(
            new NodeIdentity(authority.Domain, NodeRole.Worker, node),
            new NodeIdentity(authority.Domain, NodeRole.Gateway, new NodeId("gateway")),
            new LinkCredentials(certificate, certificate));
        store = new CredentialStore(_folder);
        store.Save(joined);
        return joined;
    }
}
