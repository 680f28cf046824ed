using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Time.Testing;
using NativeSplit.Cluster.Identity;
using NativeSplit.Placement;
using NativeSplit.Testing;
using NativeSplit.Transport.Links;

namespace NativeSplit.Cluster.Tests.Identity;

/// <summary>Whom an operator trusts stands in the certificate, and nobody else can write it there.</summary>
public sealed class TrustLabelTests : IDisposable
{
    private static readonly NodeId Worker = new("worker-1");
    private readonly ClusterAuthority _authority = ClusterAuthority.Create(TimeProvider.System);
    private readonly List<X509Certificate2> _issued = [];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _issued.ForEach(certificate => certificate.Dispose());
        _authority.Dispose();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task TryRead_GivesTheLabel_AtBothEndsOfALink(bool isTrusted)
    {
        await using LinkListener listener = Listen();
        await using SealedLink near = await LinkConnector.ConnectAsync(listener.LocalEndPoint, UriOf(NodeRole.Gateway, "gateway"), Credentials(isTrusted), new LinkOptions(), Cancel);
        await using SealedLink far = await listener.AcceptAsync(Cancel);

        Assert.True(NodeIdentity.TryRead(far, out NodeIdentity worker));
        Assert.Equal(new NodeIdentity(_authority.Domain, NodeRole.Worker, Worker) { IsTrusted = isTrusted }, worker);
        Assert.True(NodeIdentity.TryRead(near, out NodeIdentity gateway));
        Assert.False(gateway.IsTrusted);
    }

    [Fact]
    public void IssueFor_LeavesALabelOut_ThatTheRequestAsksFor()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=x", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(TrustLabel.Create());
        using X509Certificate2 certificate = _authority.IssueFor(request.CreateSigningRequest(), NodeRole.Worker, Worker);
        Assert.False(CredentialStore.IdentityOf(certificate).IsTrusted);
        Assert.DoesNotContain(certificate.Extensions, extension => extension.Oid?.Value == TrustLabel.Oid);
    }

    [Fact]
    public async Task Link_IsRefused_WhenANodeAddsTheLabelItself()
    {
        // All it has is its own key: with it, it signs a certificate like its real one, and the label.
        using X509Certificate2 real = _authority.IssueWithKey(NodeRole.Worker, Worker);
        using ECDsa key = real.GetECDsaPrivateKey()!;
        var request = new CertificateRequest(real.SubjectName, key, HashAlgorithmName.SHA256);
        foreach (X509Extension extension in real.Extensions)
        {
            request.CertificateExtensions.Add(extension);
        }

        request.CertificateExtensions.Add(TrustLabel.Create());
        using X509Certificate2 bare = request.Create(_authority.Certificate.SubjectName, X509SignatureGenerator.CreateForECDsa(key), real.NotBefore, real.NotAfter, [7]);
        X509Certificate2 forged = bare.CopyWithPrivateKey(key);
        _issued.Add(forged);
        Assert.True(CredentialStore.IdentityOf(forged).IsTrusted);

        await using LinkListener listener = Listen();
        LinkException e = await Assert.ThrowsAsync<LinkException>(async () => await LinkConnector.ConnectAsync(
            listener.LocalEndPoint, UriOf(NodeRole.Gateway, "gateway"), new LinkCredentials(forged, _authority.Certificate), new LinkOptions(), Cancel));
        Assert.Equal(LinkFault.AuthenticationFailed, e.Fault);
    }

    [Fact]
    public void Certificate_NoLongerChains_WhenTheLabelIsChangedInPlace()
    {
        using X509Certificate2 untrusted = _authority.IssueWithKey(NodeRole.Worker, Worker);
        using X509Certificate2 trusted = _authority.IssueWithKey(NodeRole.Worker, Worker, isTrusted: true);
        Assert.True(Chains(untrusted) && Chains(trusted));

        byte[] altered = trusted.RawData;
        byte[] oid = trusted.Extensions.Single(extension => extension.Oid?.Value == TrustLabel.Oid).RawData;
        int at = altered.AsSpan().LastIndexOf(oid);
        Assert.True(at > 0);
        altered[at + 2] = 0;
        using X509Certificate2 changed = X509CertificateLoader.LoadCertificate(altered);
        Assert.False(Chains(changed));
        Assert.False(NodeIdentity.TryRead(changed, out _));
    }

    [Theory]
    [InlineData(new byte[] { 1, 1, 0xFF }, true, true)]
    [InlineData(new byte[] { 1, 1, 0 }, false, false)]
    [InlineData(new byte[] { 1, 1, 1 }, false, false)]
    [InlineData(new byte[] { 5, 0 }, false, false)]
    [InlineData(new byte[] { 1, 1, 0xFF, 0 }, false, false)]
    public void TryRead_TakesOneValueOnly(byte[] value, bool isReadable, bool expected)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=x", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509Extension(TrustLabel.Oid, value, critical: false));
        using X509Certificate2 certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow, DateTimeOffset.UtcNow.AddDays(1));
        Assert.Equal(isReadable, TrustLabel.TryRead(certificate, out bool isTrusted));
        Assert.Equal(expected, isTrusted);
    }

    [Fact]
    public void TryParse_TrustsNobody_ForANameIsNoCertificate()
    {
        Assert.True(NodeIdentity.TryParse(UriOf(NodeRole.Worker, "worker-1"), out NodeIdentity identity));
        Assert.False(identity.IsTrusted);
    }

    [Fact]
    public void Registry_TakesTheTrustOfTheTokenThatWasUsedLast()
    {
        using var folder = new TemporaryFolder();
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        var registry = new ClusterRegistry(new CredentialStore(folder.Path));
        var tokens = new JoinTokenStore(_authority, time, registry);
        var nodes = new NodeRegistry(registry, time);

        JoinToken trusted = tokens.Create(Worker, isTrusted: true);
        JoinToken plain = tokens.Create(Worker);
        Assert.False(nodes.IsTrusted(Worker));
        Assert.Equal([true, false], tokens.List().Select(token => token.Trusted));

        Assert.True(tokens.TryRedeem(trusted.Secret.Span, out _, out bool isTrusted) && isTrusted);
        Assert.True(nodes.IsTrusted(Worker));
        Assert.True(tokens.TryRedeem(plain.Secret.Span, out _, out isTrusted));
        Assert.False(isTrusted || nodes.IsTrusted(Worker));
    }

    [Fact]
    public void Trust_Changes_WhenTheNodeHoldsACertificate()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        var nodes = new NodeRegistry(new ClusterRegistry(), time);
        Assert.False(nodes.Trust(Worker, isTrusted: true));

        using X509Certificate2 certificate = _authority.IssueWithKey(NodeRole.Worker, Worker, isTrusted: true);
        nodes.Record(Worker, certificate);
        Assert.True(Assert.Single(nodes.List()).Trusted);
        Assert.True(nodes.Trust(Worker, isTrusted: true) && nodes.IsTrusted(Worker));
        Assert.False(nodes.Trust(Worker, isTrusted: true));
        Assert.True(nodes.Trust(Worker, isTrusted: false));
        Assert.False(nodes.IsTrusted(Worker));
    }

    private LinkListener Listen()
    {
        X509Certificate2 certificate = _authority.IssueWithKey(NodeRole.Gateway, new NodeId("gateway"));
        _issued.Add(certificate);
        return LinkListener.Start(new IPEndPoint(IPAddress.Loopback, 0), new LinkCredentials(certificate, _authority.Certificate), new LinkOptions());
    }

    private LinkCredentials Credentials(bool isTrusted)
    {
        X509Certificate2 certificate = _authority.IssueWithKey(NodeRole.Worker, Worker, isTrusted);
        _issued.Add(certificate);
        return new LinkCredentials(certificate, _authority.Certificate);
    }

    private string UriOf(NodeRole role, string node) => new NodeIdentity(_authority.Domain, role, new NodeId(node)).Uri;

    private bool Chains(X509Certificate2 certificate)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(_authority.Certificate);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        return chain.Build(certificate);
    }
}
