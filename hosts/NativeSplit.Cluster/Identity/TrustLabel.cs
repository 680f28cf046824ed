using System.Security.Cryptography.X509Certificates;

namespace NativeSplit.Cluster.Identity;

/// <summary>
/// The label <c>trusted</c> in a node's certificate: an extension of its own, not critical, whose value is the DER of <c>BOOLEAN TRUE</c>.
/// A certificate without it is that of an untrusted node.
/// </summary>
/// <remarks>The object identifier lies under 2.25, where a UUID taken as a number names an arc without a registry (ITU-T X.667, section 6).</remarks>
public static class TrustLabel
{
    /// <summary>Object identifier of the extension.</summary>
    public const string Oid = "2.25.147696107625112301171958646338773118995.1";

    private static readonly byte[] Yes = [0x01, 0x01, 0xFF];

    /// <summary>The extension, for the authority to put into a certificate.</summary>
    public static X509Extension Create() => new(Oid, Yes, critical: false);

    /// <summary>Reads the label.</summary>
    /// <param name="certificate">A certificate whose signature was verified.</param>
    /// <param name="isTrusted">Whether it bears the label.</param>
    /// <returns>False when the label is there twice, or says something else: no authority of ours makes such a certificate.</returns>
    public static bool TryRead(X509Certificate2 certificate, out bool isTrusted)
    {
        ArgumentNullException.ThrowIfNull(certificate);
        X509Extension[] labels = [.. certificate.Extensions.Where(extension => extension.Oid?.Value == Oid)];
        isTrusted = labels is [{ } only] && only.RawData.AsSpan().SequenceEqual(Yes);
        return isTrusted || labels.Length == 0;
    }
}
