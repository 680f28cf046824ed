using System.Formats.Asn1;
using System.Security.Cryptography.X509Certificates;

namespace NativeSplit.Transport.Handshakes;

/// <summary>Reads the identity out of a certificate: its one URI name, which must be a SPIFFE id.</summary>
internal static class PeerIdentity
{
    /// <summary>Longest identity, in characters (the SPIFFE ID standard, section 2.3).</summary>
    public const int MaxCharacters = 2048;

    private const string Scheme = "spiffe://";
    private const string AlternativeNameOid = "2.5.29.17";
    private static readonly Asn1Tag UriTag = new(TagClass.ContextSpecific, 6);

    /// <summary>Reads the identity. False when the certificate isn't that of a node: a CA, or not exactly one SPIFFE URI name.</summary>
    /// <param name="certificate">The certificate.</param>
    /// <param name="identity">The identity, or empty.</param>
    /// <param name="problem">What is wrong, or empty.</param>
    public static bool TryRead(X509Certificate2 certificate, out string identity, out string problem)
    {
        identity = string.Empty;
        int uris = 0;
        try
        {
            foreach (X509Extension extension in certificate.Extensions)
            {
                if (extension is X509BasicConstraintsExtension { CertificateAuthority: true })
                {
                    problem = "it is the certificate of an authority";
                    return false;
                }

                if (extension.Oid?.Value == AlternativeNameOid)
                {
                    uris += ReadUris(extension.RawData, ref identity);
                }
            }
        }
        catch (AsnContentException)
        {
            problem = "its alternative names aren't well-formed";
            return false;
        }

        bool valid = uris == 1 && identity.StartsWith(Scheme, StringComparison.Ordinal)
            && identity.Length > Scheme.Length && identity.Length <= MaxCharacters
            && !identity.AsSpan().ContainsAnyExceptInRange('!', '~');
        problem = valid ? string.Empty : $"it holds {uris} URI names instead of exactly one that starts with {Scheme} and is printable";
        identity = valid ? identity : string.Empty;
        return valid;
    }

    private static int ReadUris(ReadOnlyMemory<byte> extension, ref string identity)
    {
        int uris = 0;
        var reader = new AsnReader(extension, AsnEncodingRules.DER);
        AsnReader names = reader.ReadSequence();
        reader.ThrowIfNotEmpty();
        while (names.HasData)
        {
            if (names.PeekTag().HasSameClassAndValue(UriTag))
            {
                identity = names.ReadCharacterString(UniversalTagNumber.IA5String, UriTag);
                uris++;
            }
            else
            {
                names.ReadEncodedValue();
            }
        }

        return uris;
    }
}
