using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using NativeSplit.Transport.Handshakes;
using NativeSplit.Transport.Tests.Support;

namespace NativeSplit.Transport.Tests;

/// <summary>What counts as an identity in a certificate.</summary>
public sealed class PeerIdentityTests
{
    [Fact]
    public void TryRead_ReturnsTheName_WhenThereIsOneSpiffeUri()
    {
        using X509Certificate2 certificate = TestAuthority.SelfSigned(TestAuthority.UriOf("n1"));
        Assert.True(PeerIdentity.TryRead(certificate, out string identity, out string problem));
        Assert.Equal(TestAuthority.UriOf("n1"), identity);
        Assert.Empty(problem);
    }

    [Fact]
    public void TryRead_Refuses_WhenItIsTheAuthoritysOwnCertificate()
    {
        using var authority = new TestAuthority();
        AssertRefused(authority.Certificate, "authority");
    }

    [Theory]
    [InlineData("")]
    [InlineData("30")]
    [InlineData("3080")]
    [InlineData("3084ffffffff")]
    [InlineData("30028601")]
    [InlineData("300386017f00")]
    [InlineData("30058603ff8081")]
    [InlineData("300c860a7370696666653a2f2f6100")]
    public void TryRead_Refuses_WhenTheAlternativeNamesAreGarbage(string names)
    {
        using X509Certificate2 certificate = WithNames(Convert.FromHexString(names));
        AssertRefused(certificate, string.Empty);
    }

    [Theory]
    [InlineData("spiffe://", 0)]
    [InlineData("spiffe://a", PeerIdentity.MaxCharacters)]
    [InlineData("spiffe://a\nb", 0)]
    [InlineData("spiffe://a b", 0)]
    [InlineData("Spiffe://a", 0)]
    public void TryRead_Refuses_WhenTheNameIsNoIdentity(string start, int more)
    {
        string name = start + new string('a', more);
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            writer.WriteCharacterString(UniversalTagNumber.IA5String, name, new Asn1Tag(TagClass.ContextSpecific, 6));
        }

        using X509Certificate2 certificate = WithNames(writer.Encode());
        AssertRefused(certificate, "URI names");
    }

    private static void AssertRefused(X509Certificate2 certificate, string reason)
    {
        Assert.False(PeerIdentity.TryRead(certificate, out string identity, out string problem));
        Assert.Empty(identity);
        Assert.NotEmpty(problem);
        Assert.Contains(reason, problem, StringComparison.Ordinal);
    }

    private static X509Certificate2 WithNames(byte[] names)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=node", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509Extension("2.5.29.17", names, critical: false));
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
    }
}
