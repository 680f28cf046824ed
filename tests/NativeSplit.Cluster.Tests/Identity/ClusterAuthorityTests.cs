using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Time.Testing;
using NativeSplit.Cluster.Identity;
using NativeSplit.Placement;

namespace NativeSplit.Cluster.Tests.Identity;

public sealed class ClusterAuthorityTests
{
    private static readonly NodeId Worker = new("worker-1");

    [Fact]
    public void IssueWithKey_GivesAnIdentityThatChainsToTheAuthority()
    {
        using ClusterAuthority authority = ClusterAuthority.Create(TimeProvider.System);
        using X509Certificate2 certificate = authority.IssueWithKey(NodeRole.Gateway, new NodeId("gateway"));

        Assert.True(Chains(certificate, authority));
        Assert.Equal(new NodeIdentity(authority.Domain, NodeRole.Gateway, new NodeId("gateway")), CredentialStore.IdentityOf(certificate));
        Assert.True(certificate.HasPrivateKey);
    }

    [Fact]
    public void IssueFor_GrantsOurNameAndRole_WhateverTheRequestSays()
    {
        using ClusterAuthority authority = ClusterAuthority.Create(TimeProvider.System);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=gateway", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddUri(new Uri($"spiffe://{authority.Domain}/gateway/gateway"));
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, false, 0, true));

        using X509Certificate2 certificate = authority.IssueFor(request.CreateSigningRequest(), NodeRole.Worker, Worker);

        Assert.Equal(new NodeIdentity(authority.Domain, NodeRole.Worker, Worker), CredentialStore.IdentityOf(certificate));
        Assert.False(Assert.Single(certificate.Extensions.OfType<X509BasicConstraintsExtension>()).CertificateAuthority);
    }

    [Fact]
    public void IssueFor_Throws_WhenTheRequestIsNoise()
    {
        using ClusterAuthority authority = ClusterAuthority.Create(TimeProvider.System);
        Assert.Equal(ClusterFault.Protocol, Assert.Throws<ClusterException>(() => authority.IssueFor([1, 2, 3], NodeRole.Worker, Worker)).Fault);
    }

    [Fact]
    public void IssueFor_Throws_WhenTheSignatureIsOfAnotherKey()
    {
        using ClusterAuthority authority = ClusterAuthority.Create(TimeProvider.System);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        byte[] request = new CertificateRequest("CN=x", key, HashAlgorithmName.SHA256).CreateSigningRequest();
        request[^1] ^= 1;
        Assert.Equal(ClusterFault.Protocol, Assert.Throws<ClusterException>(() => authority.IssueFor(request, NodeRole.Worker, Worker)).Fault);
    }

    [Fact]
    public void IssueFor_Throws_WhenTheKeyIsTooWeakOrOfAnotherKind()
    {
        using ClusterAuthority authority = ClusterAuthority.Create(TimeProvider.System);
        using var key = RSA.Create(2048);
        byte[] request = new CertificateRequest("CN=x", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1).CreateSigningRequest();
        Assert.Equal(ClusterFault.Protocol, Assert.Throws<ClusterException>(() => authority.IssueFor(request, NodeRole.Worker, Worker)).Fault);
    }

    [Fact]
    public void IssueFor_Throws_WhenTheKeyIsOnAnotherCurveOfTheSameSize()
    {
        using ClusterAuthority authority = ClusterAuthority.Create(TimeProvider.System);
        using var key = ECDsa.Create(ECCurve.NamedCurves.brainpoolP256r1);
        byte[] request = new CertificateRequest("CN=x", key, HashAlgorithmName.SHA256).CreateSigningRequest();
        ClusterException e = Assert.Throws<ClusterException>(() => authority.IssueFor(request, NodeRole.Worker, Worker));
        Assert.Contains("P-256", e.Message);
    }

    [Theory]
    [InlineData(NodeRole.Worker)]
    [InlineData(NodeRole.Gateway)]
    public void Certificates_HoldForADay(NodeRole role)
    {
        var time = new FakeTimeProvider(new DateTimeOffset(2026, 5, 1, 12, 0, 0, TimeSpan.Zero));
        using ClusterAuthority authority = ClusterAuthority.Create(time);
        using X509Certificate2 certificate = authority.IssueWithKey(role, Worker);
        Assert.Equal(time.GetUtcNow().UtcDateTime + TimeSpan.FromHours(24), certificate.NotAfter.ToUniversalTime());
    }

    [Fact]
    public void Certificates_DoNotOutliveTheAuthority()
    {
        var time = new FakeTimeProvider(new DateTimeOffset(2026, 5, 1, 12, 0, 0, TimeSpan.Zero));
        using ClusterAuthority authority = ClusterAuthority.Create(time);
        time.SetUtcNow(authority.Certificate.NotAfter.ToUniversalTime() - TimeSpan.FromHours(1));
        using X509Certificate2 certificate = authority.IssueWithKey(NodeRole.Worker, Worker);
        Assert.Equal(authority.Certificate.NotAfter, certificate.NotAfter);
    }

    private static bool Chains(X509Certificate2 certificate, ClusterAuthority authority)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(authority.Certificate);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        return chain.Build(certificate);
    }
}
