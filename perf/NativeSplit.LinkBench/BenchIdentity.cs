using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using NativeSplit.Transport.Links;

namespace NativeSplit.LinkBench;

/// <summary>A throw-away authority with the credentials of both processes. Those of the peer go to it as PEM text over its standard input.</summary>
internal static class BenchIdentity
{
    /// <summary>Identity of the peer.</summary>
    public const string PeerUri = "spiffe://bench/worker/peer";

    private const string SelfUri = "spiffe://bench/worker/self";

    /// <summary>Makes both.</summary>
    /// <returns>Our credentials, and the lines for the peer: certificate, key and authority, each base64 on one line.</returns>
    public static (LinkCredentials Self, string[] Peer) Make()
    {
        using var rootKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=bench", rootKey, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        using X509Certificate2 root = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddDays(1));
        X509Certificate2 authority = X509CertificateLoader.LoadCertificate(root.RawData);
        using X509Certificate2 peer = Issue(root, PeerUri);
        using ECDsa peerKey = peer.GetECDsaPrivateKey()!;
        string[] lines = [.. new[] { peer.RawData, peerKey.ExportPkcs8PrivateKey(), root.RawData }.Select(Convert.ToBase64String)];
        return (new LinkCredentials(Issue(root, SelfUri), authority), lines);
    }

    /// <summary>Reads the peer's lines.</summary>
    /// <param name="lines">What <see cref="Make"/> returned for the peer.</param>
    public static LinkCredentials Read(string[] lines)
    {
        using X509Certificate2 bare = X509CertificateLoader.LoadCertificate(Convert.FromBase64String(lines[0]));
        using var key = ECDsa.Create();
        key.ImportPkcs8PrivateKey(Convert.FromBase64String(lines[1]), out _);
        return new LinkCredentials(bare.CopyWithPrivateKey(key), X509CertificateLoader.LoadCertificate(Convert.FromBase64String(lines[2])));
    }

    private static X509Certificate2 Issue(X509Certificate2 root, string uri)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=node", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddUri(new Uri(uri));
        request.CertificateExtensions.Add(names.Build());
        using X509Certificate2 bare = request.Create(root, DateTimeOffset.UtcNow.AddMinutes(-5), DateTimeOffset.UtcNow.AddHours(5), RandomNumberGenerator.GetBytes(12));
        return bare.CopyWithPrivateKey(key);
    }
}
