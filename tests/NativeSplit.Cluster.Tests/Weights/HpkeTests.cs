using System.Security.Cryptography;
using System.Text;
using NativeSplit.Cluster.Weights;

namespace NativeSplit.Cluster.Tests.Weights;

/// <summary>Wrapping of data keys: RFC 9180 as another implementation speaks it.</summary>
public sealed class HpkeTests
{
    /// <summary>A key on P-256, PKCS#8.</summary>
    private const string RecipientKey = "308187020100301306072a8648ce3d020106082a8648ce3d030107046d306b0201010420f3ce7fdae57e1a310d87f1ebbde6f328be0a99cdbcadf4d6589cf29de4b8ffd2a14403420004fe8c19ce0905191ebc298a9245792531f26f0cece2460639e8bc39cb7f706a826a779b4cf969b8a0e539c7f62fb3d30ad6aa8f80e30f1d128aafd68a2ce72ea0";

    // Made by pyca/cryptography 48.0.0: Suite(KEM.P256, KDF.HKDF_SHA256, AEAD.AES_256_GCM).encrypt(text, public key, info).
    [Theory]
    [InlineData("nativesplit weight grant/1 ab cd", "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", "04466d0be1c7eaefa446306cb3c73c1714ab278a046e5a65fe0266db01ce8cc7d381ffd9136b491bc406c422a1a951ccc1779791ce43208615744b5f370f0833d17654ca06516439d02b4054707acd356ec5b3953663057d608508d8e3da34cf566e69b7cd296ef1caf5bb7a031c415c00")]
    [InlineData("", "", "0403ff2aa1ad8226f32233ff50410bcf29616cc59dfc58d856e5c02a8bf6e7977eb28252256d065aebf2670e4670437b5b5b787de49a4334d4a061c5b6b115afa45c0ff7c0957647d970806f30bac9bc6a")]
    [InlineData("Ode on a Grecian Urn", "4265617574792069732074727574682c20747275746820626561757479", "049cd8a950d6af1aaddfd415b49476d2b65dd5a9a8a11babfc2e428a7883d612dcae661b1658368600f87f0fbde02d6742361574e85ffde005ef5c597ee4f1041383dc0394e4e360b7523cc34c04a45b9a558d2ca55d3de3c3881d373979cb3e7279d9d5639b4b9754a35d03c8fb")]
    public void TryUnwrap_OpensWhatAnotherImplementationWrapped(string info, string text, string wrapped)
    {
        using ECDiffieHellman key = Recipient();
        Assert.Equal(text, Convert.ToHexStringLower(Hpke.TryUnwrap(key, Encoding.ASCII.GetBytes(info), Convert.FromHexString(wrapped))!));
    }

    [Fact]
    public void TryUnwrap_OpensWhatWrapGave_AndEveryWrappingDiffers()
    {
        using ECDiffieHellman key = Recipient();
        byte[] text = RandomNumberGenerator.GetBytes(32);
        byte[] first = Hpke.Wrap(key.PublicKey, "info"u8, text);
        byte[] second = Hpke.Wrap(key.PublicKey, "info"u8, text);
        Assert.NotEqual(first, second);
        Assert.Equal(text, Hpke.TryUnwrap(key, "info"u8, first));
        Assert.Equal(text, Hpke.TryUnwrap(key, "info"u8, second));
    }

    [Fact]
    public void TryUnwrap_GivesNothing_WhenAnyBitIsFlipped_ItIsCut_OrForAnother()
    {
        using ECDiffieHellman key = Recipient();
        byte[] wrapped = Hpke.Wrap(key.PublicKey, "info"u8, new byte[32]);
        for (int bit = 0; bit < wrapped.Length * 8; bit++)
        {
            byte[] changed = [.. wrapped];
            changed[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.Null(Hpke.TryUnwrap(key, "info"u8, changed));
        }

        for (int length = 0; length < wrapped.Length; length++)
        {
            Assert.Null(Hpke.TryUnwrap(key, "info"u8, wrapped.AsSpan(0, length)));
        }

        using var other = ECDiffieHellman.Create(ECCurve.NamedCurves.nistP256);
        Assert.Null(Hpke.TryUnwrap(other, "info"u8, wrapped));
        Assert.Null(Hpke.TryUnwrap(key, "other"u8, wrapped));
    }

    private static ECDiffieHellman Recipient()
    {
        ECDiffieHellman key = ECDiffieHellman.Create();
        key.ImportPkcs8PrivateKey(Convert.FromHexString(RecipientKey), out _);
        return key;
    }
}
