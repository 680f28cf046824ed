using System.Formats.Asn1;
using System.Security.Cryptography;

namespace NativeSplit.Cluster.Identity;

/// <summary>Reads the one URI of a subject alternative name (RFC 5280, 4.2.1.6).</summary>
internal static class SpiffeName
{
    private static readonly Asn1Tag UriTag = new(TagClass.ContextSpecific, 6);

    public static bool TryRead(ReadOnlyMemory<byte> extension, out string uri)
    {
        uri = string.Empty;
        try
        {
            AsnReader names = new AsnReader(extension, AsnEncodingRules.DER).ReadSequence();
            while (names.HasData)
            {
                if (!names.PeekTag().HasSameClassAndValue(UriTag))
                {
                    names.ReadEncodedValue();
                }
                else if (uri.Length > 0)
                {
                    return false;
                }
                else
                {
                    uri = names.ReadCharacterString(UniversalTagNumber.IA5String, UriTag);
                }
            }

            return uri.Length > 0;
        }
        catch (Exception e) when (e is AsnContentException or CryptographicException)
        {
            return false;
        }
    }
}
