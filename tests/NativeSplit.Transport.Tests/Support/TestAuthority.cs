using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using NativeSplit.Transport.Links;

namespace NativeSplit.Transport.Tests.Support;

/// <summary>A P-256 certificate authority for one test, with node certificates that hold URI names.</summary>
internal sealed class TestAuthority : IDisposable
{
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly List<X509Certificate2> _issued = [];

    public TestAuthority()
    {
        var request = new CertificateRequest("CN=test authority", _key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true));
        Certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-30), DateTimeOffset.UtcNow.AddDays(30));
    }

    public X509Certificate2 Certificate { get; }

    public static string UriOf(string node) => $"spiffe://nativesplit.test/node/{node}";

    public LinkCredentials Node(string node) => new(Issue(UriOf(node)), Certificate);

    public X509Certificate2 Issue(params string[] uris) => IssueFor(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1), uris);

    public X509Certificate2 IssueFor(DateTimeOffset notBefore, DateTimeOffset notAfter, params string[] uris)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using X509Certificate2 bare = Request(key, uris).Create(Certificate, notBefore, notAfter, RandomNumberGenerator.GetBytes(12));
        X509Certificate2 certificate = bare.CopyWithPrivateKey(key);
        _issued.Add(certificate);
        return certificate;
    }

    public static X509Certificate2 SelfSigned(string uri)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return Request(key, [uri]).CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
    }

    public void Dispose()
    {
        _issued.ForEach(certificate => certificate.Dispose());
        Certificate.Dispose();
        _key.Dispose();
    }

    private static CertificateRequest Request(ECDsa key, string[] uris)
    {
        var request = new CertificateRequest("CN=node", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("node.test");
        foreach (string uri in uris)
        {
            names.AddUri(new Uri(uri));
        }

        request.CertificateExtensions.Add(names.Build());
        return request;
    }
}
