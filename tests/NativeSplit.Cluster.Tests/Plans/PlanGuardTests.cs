using System.Formats.Cbor;
using System.Security.Cryptography;
using System.Security.Cryptography.Cose;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Microsoft.Extensions.Time.Testing;
using NativeSplit.Cluster.Identity;
using NativeSplit.Cluster.Plans;
using NativeSplit.Model;
using NativeSplit.Placement;
using NativeSplit.Transport.Links;

namespace NativeSplit.Cluster.Tests.Plans;

/// <summary>A node takes in what an orchestrator of its cluster signed, in order, and nothing else.</summary>
public sealed class PlanGuardTests : IDisposable
{
    private const string Model = "00ff";
    private static readonly NodeId Worker = new("worker-1");
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 5, 1, 12, 0, 0, TimeSpan.Zero));
    private readonly ClusterAuthority _authority;
    private readonly PlanSigner _signer;
    private readonly JoinedNode _node;
    private readonly List<PlanMark> _kept = [];

    public PlanGuardTests()
    {
        _authority = ClusterAuthority.Create(_time);
        _signer = new PlanSigner(_authority, new NodeId("gateway"), _time);
        _node = new JoinedNode(
            new NodeIdentity(_authority.Domain, NodeRole.Worker, Worker),
            new NodeIdentity(_authority.Domain, NodeRole.Gateway, new NodeId("gateway")),
            new LinkCredentials(_authority.IssueWithKey(NodeRole.Worker, Worker), _authority.Certificate));
    }

    public void Dispose()
    {
        _signer.Dispose();
        _node.Credentials.Certificate.Dispose();
        _authority.Dispose();
    }

    [Fact]
    public void Accept_GivesThePlanAndItsSigner_WhenTheOrchestratorSignedIt()
    {
        PlanGuard guard = NewGuard();
        SignedPlan sent = Sign(7, term: 3, previous: "ab");
        SignedPlan read = guard.Accept(sent.Bytes);

        Assert.Equal((_authority.Domain, 3UL, "ab", Model), (read.Cluster, read.Term, read.Previous, read.Model));
        Assert.Equal(PlanOf(7).Segments, read.Plan.Segments);
        Assert.Equal(new PlanEpoch(7), read.Plan.Epoch);
        Assert.Equal(new NodeIdentity(_authority.Domain, NodeRole.Orchestrator, new NodeId("gateway")), read.Signer);
        Assert.Equal((_time.GetUtcNow(), _time.GetUtcNow() + PlanSigner.Lifetime), (read.Issued, read.Expires));
        Assert.Equal(sent.Hash, read.Hash);
        Assert.Same(read, guard.Current);
        Assert.Equal([new PlanMark(_authority.Domain, 3, 7, sent.Hash)], _kept);
    }

    /// <summary>The format is COSE_Sign1: an independent reader of CBOR finds its four parts and the certificate, and the signature holds by RFC 9052's own rule.</summary>
    [Fact]
    public void Sign_WritesCoseSign1_ByTheLetterOfRfc9052()
    {
        byte[] bytes = Sign(1).Bytes.ToArray();
        var reader = new CborReader(bytes);
        Assert.Equal((CborTag)18, reader.ReadTag());
        Assert.Equal(4, reader.ReadStartArray());
        byte[] protectedHeader = reader.ReadByteString();
        Assert.Equal(0, reader.ReadStartMap());
        reader.ReadEndMap();
        byte[] payload = reader.ReadByteString();
        byte[] signature = reader.ReadByteString();
        reader.ReadEndArray();

        var header = new CborReader(protectedHeader);
        Assert.Equal(2, header.ReadStartMap());
        Dictionary<int, object> values = [];
        for (int i = 0; i < 2; i++)
        {
            int label = header.ReadInt32();
            values[label] = header.PeekState() == CborReaderState.ByteString ? header.ReadByteString() : header.ReadInt32();
        }

        Assert.Equal(-7, values[1]);
        using X509Certificate2 certificate = X509CertificateLoader.LoadCertificate((byte[])values[33]);

        var signed = new CborWriter();
        signed.WriteStartArray(4);
        signed.WriteTextString("Signature1");
        signed.WriteByteString(protectedHeader);
        signed.WriteByteString("nativesplit plan/1"u8);
        signed.WriteByteString(payload);
        signed.WriteEndArray();
        using ECDsa key = certificate.GetECDsaPublicKey()!;
        Assert.True(key.VerifyData(signed.Encode(), signature, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation));
    }

    [Fact]
    public void Accept_RefusesEveryFlippedBit()
    {
        PlanGuard guard = NewGuard();
        byte[] good = Sign(1).Bytes.ToArray();
        for (int i = 0; i < good.Length; i++)
        {
            byte[] bad = [.. good];
            bad[i] ^= (byte)(1 << (i % 8));
            ClusterException e = Assert.Throws<ClusterException>(() => guard.Accept(bad));
            Assert.Equal(ClusterFault.PlanRefused, e.Fault);
        }

        Assert.Equal(good.Length, guard.RefusedFor(PlanRefusal.Malformed) + guard.RefusedFor(PlanRefusal.WrongKey));
        Assert.Empty(_kept);
        guard.Accept(good);
    }

    [Fact]
    public void Accept_RefusesEveryCut()
    {
        PlanGuard guard = NewGuard();
        byte[] good = Sign(1).Bytes.ToArray();
        for (int length = 0; length < good.Length; length++)
        {
            Refuses(guard, PlanRefusal.Malformed, good.AsMemory(0, length));
        }
    }

    [Fact]
    public void Accept_RefusesAPlan_LongerThanAnyOther() => Refuses(NewGuard(), PlanRefusal.Malformed, new byte[SignedPlan.MaxBytes + 1]);

    [Fact]
    public void Accept_RefusesWrongKey_WhenAnotherAuthorityDelegated()
    {
        using ClusterAuthority foreign = ClusterAuthority.Create(_time);
        using var signer = new PlanSigner(foreign, new NodeId("gateway"), _time);
        Refuses(NewGuard(), PlanRefusal.WrongKey, signer.Sign(PlanOf(1), Model, 1, null).Bytes);
    }

    /// <summary>A gateway holds the links, and a worker a good certificate; neither may sign plans.</summary>
    [Theory]
    [InlineData(NodeRole.Worker)]
    [InlineData(NodeRole.Gateway)]
    public void Accept_RefusesWrongKey_WhenANodeThatIsNoOrchestratorSigned(NodeRole role)
    {
        using X509Certificate2 certificate = _authority.IssueWithKey(role, new NodeId("gateway"));
        Refuses(NewGuard(), PlanRefusal.WrongKey, SignWith(certificate, StatementOf(1)).Bytes);
    }

    [Fact]
    public void Accept_RefusesWrongKey_WhenTheSignersCertificateWasRevoked()
    {
        SignedPlan plan = Sign(1);
        using X509Certificate2 certificate = CertificateIn(plan);
        _node.Revoked.Add([certificate.SerialNumber]);
        Refuses(NewGuard(), PlanRefusal.WrongKey, plan.Bytes);
    }

    [Fact]
    public void Accept_RefusesWrongKey_WhenTheSignersCertificateHasEnded()
    {
        using X509Certificate2 certificate = _authority.IssueWithKey(NodeRole.Orchestrator, new NodeId("gateway"));
        _time.Advance(ClusterAuthority.NodeLifetime + TimeSpan.FromMinutes(1));
        Refuses(NewGuard(), PlanRefusal.WrongKey, SignWith(certificate, StatementOf(1)).Bytes);
    }

    /// <summary>A key that signs weight manifests for the same authority can't be made to sign plans: the purposes differ.</summary>
    [Fact]
    public void Accept_RefusesWrongKey_WhenItWasSignedForAnotherPurpose()
    {
        using X509Certificate2 certificate = _authority.IssueWithKey(NodeRole.Orchestrator, new NodeId("gateway"));
        using ECDsa key = certificate.GetECDsaPrivateKey()!;
        var headers = new CoseHeaderMap();
        headers.Add(SignedPlan.Chain, CoseHeaderValue.FromBytes(certificate.RawData));
        byte[] payload = CoseMessage.DecodeSign1(SignWith(certificate, StatementOf(1)).Bytes.Span).Content!.Value.ToArray();
        Refuses(NewGuard(), PlanRefusal.WrongKey, CoseSign1Message.SignEmbedded(payload, new CoseSigner(key, HashAlgorithmName.SHA256, headers), "nativesplit weight manifest/1"u8.ToArray()));
    }

    [Fact]
    public void Accept_RefusesForeignCluster_ThoughTheAuthoritySigned()
    {
        using X509Certificate2 certificate = _authority.IssueWithKey(NodeRole.Orchestrator, new NodeId("gateway"));
        Refuses(NewGuard(), PlanRefusal.ForeignCluster, SignWith(certificate, StatementOf(1) with { Cluster = "nativesplit-0123456789ab" }).Bytes);
    }

    [Theory]
    [InlineData("""{"format":2}""")]
    [InlineData("{}")]
    [InlineData("null")]
    [InlineData("[")]
    public void Accept_RefusesMalformed_WhenTheSignedTextIsNoPlan(string text)
    {
        using X509Certificate2 certificate = _authority.IssueWithKey(NodeRole.Orchestrator, new NodeId("gateway"));
        using ECDsa key = certificate.GetECDsaPrivateKey()!;
        var headers = new CoseHeaderMap();
        headers.Add(SignedPlan.Chain, CoseHeaderValue.FromBytes(certificate.RawData));
        Refuses(NewGuard(), PlanRefusal.Malformed, CoseSign1Message.SignEmbedded(Encoding.UTF8.GetBytes(text), new CoseSigner(key, HashAlgorithmName.SHA256, headers), "nativesplit plan/1"u8.ToArray()));
    }

    [Fact]
    public void Accept_RefusesReplayed_WhenItSawThePlanBefore()
    {
        PlanGuard guard = NewGuard();
        SignedPlan plan = Sign(4);
        guard.Accept(plan.Bytes);
        Refuses(guard, PlanRefusal.Replayed, plan.Bytes);
        Refuses(NewGuard(_kept[^1]), PlanRefusal.Replayed, plan.Bytes);
    }

    [Fact]
    public void Accept_RefusesRolledBack_WhenItSawALaterPlan_AlsoAfterARestart()
    {
        SignedPlan old = Sign(3, previous: "old");
        PlanGuard guard = NewGuard();
        guard.Accept(Sign(4).Bytes);
        Refuses(guard, PlanRefusal.RolledBack, old.Bytes);
        Refuses(NewGuard(_kept[^1]), PlanRefusal.RolledBack, old.Bytes);
    }

    [Fact]
    public void Accept_RefusesRolledBack_WhenALaterLeaderHasSpoken()
    {
        PlanGuard guard = NewGuard();
        guard.Accept(Sign(4, term: 2).Bytes);
        Refuses(guard, PlanRefusal.RolledBack, Sign(5, term: 1, previous: _kept[^1].Hash).Bytes);
    }

    [Fact]
    public void Accept_RefusesForked_WhenTwoPlansHaveOneEpoch_OrOneParentIsAnother()
    {
        PlanGuard guard = NewGuard();
        SignedPlan first = Sign(4);
        guard.Accept(first.Bytes);
        Refuses(guard, PlanRefusal.Forked, Sign(4).Bytes);
        Refuses(guard, PlanRefusal.Forked, Sign(5, previous: new string('0', 64)).Bytes);
        guard.Accept(Sign(5, previous: first.Hash).Bytes);
    }

    [Fact]
    public void Accept_TakesALaterPlan_WhenThoseBetweenWereMissed()
    {
        PlanGuard guard = NewGuard();
        guard.Accept(Sign(4).Bytes);
        guard.Accept(Sign(9, term: 5, previous: "unknown").Bytes);
        Assert.Equal(2, guard.Accepted);
    }

    [Fact]
    public void Accept_RefusesExpired_OutsideOfItsTimeAndTheClocksMayDiffer()
    {
        SignedPlan plan = Sign(1);
        _time.Advance(PlanSigner.Lifetime + PlanGuard.ClockSkew + TimeSpan.FromSeconds(1));
        Refuses(NewGuard(), PlanRefusal.Expired, plan.Bytes);
        SignedPlan within = Sign(1);
        _time.Advance(PlanSigner.Lifetime + PlanGuard.ClockSkew);
        NewGuard().Accept(within.Bytes);
    }

    [Fact]
    public void Accept_RefusesExpired_WhenItComesFromTheFuture()
    {
        using X509Certificate2 certificate = _authority.IssueWithKey(NodeRole.Orchestrator, new NodeId("gateway"));
        DateTimeOffset later = _time.GetUtcNow() + PlanGuard.ClockSkew + TimeSpan.FromSeconds(1);
        Refuses(NewGuard(), PlanRefusal.Expired, SignWith(certificate, StatementOf(1) with { Issued = later, Expires = later + PlanSigner.Lifetime }).Bytes);
    }

    [Fact]
    public void Accept_RefusesNotKept_AndTakesItLater_WhenTheDiskWasFull()
    {
        bool isFull = true;
        var guard = new PlanGuard(
            _node,
            null,
            _ =>
            {
                if (isFull)
                {
                    throw new ClusterException(ClusterFault.BadIdentity, "No space left.");
                }
            },
            _time);
        SignedPlan plan = Sign(1);
        ClusterException e = Assert.Throws<ClusterException>(() => guard.Accept(plan.Bytes));
        Assert.Contains("No space left", e.Message);
        Assert.Null(guard.Current);
        isFull = false;
        guard.Accept(plan.Bytes);
    }

    [Fact]
    public void Accept_PassesTheMarkOver_WhenItIsAnotherClusters() =>
        NewGuard(new PlanMark("nativesplit-0123456789ab", 9, 99, "ab")).Accept(Sign(1).Bytes);

    [Fact]
    public void Signer_MakesANewKey_BeforeItsCertificateEnds()
    {
        using X509Certificate2 first = CertificateIn(Sign(1));
        _time.Advance(ClusterAuthority.NodeLifetime * 0.7);
        SignedPlan later = Sign(2);
        using X509Certificate2 second = CertificateIn(later);
        Assert.NotEqual(first.SerialNumber, second.SerialNumber);
        Assert.NotEqual(first.GetPublicKey(), second.GetPublicKey());
        NewGuard().Accept(later.Bytes);
    }

    [Fact]
    public void Sign_RefusesAPlan_ThatNoNodeWouldRead()
    {
        var plan = new Plan(new PlanEpoch(1), [.. Enumerable.Range(0, 2000).Select(i => new PlanSegment(new LayerRange(i, i + 1), new NodeId($"worker-{i}")))]);
        Assert.Equal(ClusterFault.Protocol, Assert.Throws<ClusterException>(() => _signer.Sign(plan, Model, 1, null)).Fault);
    }

    private static Plan PlanOf(ulong epoch) => new(new PlanEpoch(epoch), [new PlanSegment(new LayerRange(0, 4), new NodeId("gateway")), new PlanSegment(new LayerRange(4, 8), Worker)]);

    private static X509Certificate2 CertificateIn(SignedPlan plan) =>
        X509CertificateLoader.LoadCertificate(CoseMessage.DecodeSign1(plan.Bytes.Span).ProtectedHeaders[SignedPlan.Chain].GetValueAsBytes());

    private static SignedPlan SignWith(X509Certificate2 certificate, PlanStatement statement)
    {
        using ECDsa key = certificate.GetECDsaPrivateKey()!;
        return SignedPlan.Sign(statement, CredentialStore.IdentityOf(certificate), certificate, key);
    }

    private static void Refuses(PlanGuard guard, PlanRefusal refusal, ReadOnlyMemory<byte> bytes)
    {
        long before = guard.RefusedFor(refusal);
        ClusterException e = Assert.Throws<ClusterException>(() => guard.Accept(bytes));
        Assert.Equal(ClusterFault.PlanRefused, e.Fault);
        Assert.Contains(refusal.ToString(), e.Message);
        Assert.Equal(e.Message, guard.LastRefusal);
        Assert.Equal(before + 1, guard.RefusedFor(refusal));
    }

    private SignedPlan Sign(ulong epoch, ulong term = 1, string? previous = null) => _signer.Sign(PlanOf(epoch), Model, term, previous);

    private PlanStatement StatementOf(ulong epoch) => new()
    {
        Format = SignedPlan.CurrentFormat,
        Cluster = _authority.Domain,
        Term = 1,
        Epoch = epoch,
        Model = Model,
        Segments = [new PlanStatementSegment([0, 8], "gateway")],
        Issued = _time.GetUtcNow(),
        Expires = _time.GetUtcNow() + PlanSigner.Lifetime,
    };

    private PlanGuard NewGuard(PlanMark? highest = null) => new(_node, highest, _kept.Add, _time);
}
