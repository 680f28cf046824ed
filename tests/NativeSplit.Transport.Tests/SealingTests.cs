using System.Text.Json;
using NativeSplit.Testing;
using NativeSplit.Transport.Frames;
using NativeSplit.Transport.Handshakes;
using NativeSplit.Transport.Sealing;
using NativeSplit.Transport.Tests.Support;

namespace NativeSplit.Transport.Tests;

/// <summary>Cipher, nonce, keys and limits, against what others computed.</summary>
public sealed class SealingTests
{
    private static readonly byte[] Key = LinkSuite.Pattern(FrameCipher.KeyBytes, seed: 1);
    private static readonly byte[] Iv = LinkSuite.Pattern(FrameCipher.IvBytes, seed: 2);

    [Fact]
    public void FrameCipher_AgreesWithWycheproof_WhenKeyIvAndTagHaveOurSizes()
    {
        using FileStream file = File.OpenRead(TestData.SharedPathOrSkip("vectors", "aes_gcm_test.json"));
        using JsonDocument document = JsonDocument.Parse(file);
        int run = 0;
        foreach (JsonElement group in document.RootElement.GetProperty("testGroups").EnumerateArray())
        {
            if (group.GetProperty("keySize").GetInt32() != 256 || group.GetProperty("ivSize").GetInt32() != 96 || group.GetProperty("tagSize").GetInt32() != 128)
            {
                continue;
            }

            foreach (JsonElement test in group.GetProperty("tests").EnumerateArray())
            {
                Check(test);
                run++;
            }
        }

        Assert.Equal(66, run);

        static void Check(JsonElement test)
        {
            // Sequence 0 leaves the IV as the nonce.
            byte[] message = Hex(test, "msg");
            byte[] data = [.. message];
            byte[] tag = new byte[FrameLayout.TagBytes];
            string name = $"tcId {test.GetProperty("tcId")}";
            using var cipher = new FrameCipher(Hex(test, "key"), Hex(test, "iv"));
            cipher.Seal(0, Hex(test, "aad"), data, tag);
            bool valid = test.GetProperty("result").GetString() == "valid";
            Assert.True(data.AsSpan().SequenceEqual(Hex(test, "ct")) == true, name);
            Assert.True(valid == tag.AsSpan().SequenceEqual(Hex(test, "tag")), name);

            byte[] opened = Hex(test, "ct");
            Assert.True(valid == cipher.TryOpen(0, Hex(test, "aad"), opened, Hex(test, "tag")), name);
            Assert.True(valid ? opened.AsSpan().SequenceEqual(message) : !opened.AsSpan().ContainsAnyExcept((byte)0), name);
        }
    }

    [Theory]
    [InlineData("000000000000000000000000", 0ul, "000000000000000000000000")]
    [InlineData("000000000000000000000000", 0x0102030405060708ul, "000000000102030405060708")]
    [InlineData("ffeeddccbbaa998877665544", 1ul, "ffeeddccbbaa998877665545")]
    [InlineData("ffeeddccffffffffffffffff", ulong.MaxValue, "ffeeddcc0000000000000000")]
    [InlineData("5d313eb2671276ee13000b30", 0ul, "5d313eb2671276ee13000b30")] // RFC 8448, section 3: server handshake IV, record 0
    public void WriteNonce_XorsTheBigEndianSequence_WhenGivenAnIv(string iv, ulong sequence, string nonce)
    {
        byte[] actual = new byte[FrameCipher.IvBytes];
        FrameCipher.WriteNonce(Convert.FromHexString(iv), sequence, actual);
        Assert.Equal(nonce, Convert.ToHexStringLower(actual));
    }

    [Fact]
    public void LinkKeys_AreThoseOfAnotherImplementation_WhenTheHandshakeIsFixed()
    {
        // Computed with Python's hmac and hashlib from the formulas of docs/wire.md, sections 3.3 to 3.5.
        const ulong id = 0x0123456789ABCDEF;
        byte[] connector = new byte[Hello.Bytes];
        byte[] listener = new byte[Hello.Bytes];
        new Hello(Hello.Aes256Gcm, 64 << 20, 0).Format(connector);
        new Hello(Hello.Aes256Gcm, 1 << 20, id).Format(listener);
        byte[] hash = LinkAgreement.Hash(connector, listener, TestAuthority.UriOf("a"), TestAuthority.UriOf("b"));
        Assert.Equal("95a216ff5dc38b60bb914ccf6462110727306fd8eadbfbb3749b4d6e5b0cb07e", Convert.ToHexStringLower(hash));

        using LinkKeys keys = LinkKeys.Derive(
            hash, [.. Enumerable.Range(0, 32).Select(i => (byte)i)], [.. Enumerable.Range(64, 32).Select(i => (byte)i)]);
        AssertSeals(keys.CreateCipher(fromConnector: true), "7f20a70e0f1355d0066a119d2e5c916684f0dc7e186a6be9cdd0c7decb2f7700", "6cbea6c3bc69241004beab26");
        AssertSeals(keys.CreateCipher(fromConnector: false), "8d2f631d62794ef4c558d1617efc5a8c93907459d06bf5ed8af6be7be7edc71c", "f48e12229077eb1d48750abf");
        byte[] preamble = new Preamble(ConnectionKind.Data).ToArray();
        AssertProof(fromConnector: true, "206856c3005eaa8cbde77363503c4a8fd3dc45d40ce037bba52f676ef662fffe");
        AssertProof(fromConnector: false, "88c6bc287a20dda7b11f3b445d836c3b689ba8f40655ca9ca8a3160983577319");

        void AssertProof(bool fromConnector, string expected)
        {
            byte[] proof = new byte[LinkKeys.SecretBytes];
            keys.WriteProof(fromConnector, preamble, id, proof);
            Assert.Equal(expected, Convert.ToHexStringLower(proof));
            Assert.True(keys.IsProof(fromConnector, preamble, id, proof));
            Assert.False(keys.IsProof(!fromConnector, preamble, id, proof));
            Assert.False(keys.IsProof(fromConnector, preamble, id + 1, proof));
        }

        static void AssertSeals(FrameCipher cipher, string key, string iv)
        {
            using (cipher)
            using (var expected = new System.Security.Cryptography.AesGcm(Convert.FromHexString(key), FrameLayout.TagBytes))
            {
                byte[] data = new byte[40];
                byte[] tag = new byte[FrameLayout.TagBytes];
                cipher.Seal(0, [9], data, tag);
                byte[] opened = new byte[40];
                expected.Decrypt(Convert.FromHexString(iv), data, tag, opened, (byte[])[9]);
                Assert.Equal(new byte[40], opened);
            }
        }
    }

    [Fact]
    public void LinkKeys_Differ_WhenAnyParameterDiffers()
    {
        var hashes = new HashSet<string>();
        Add(Hello.Aes256Gcm, 100, 7, "a", "b");
        Add(3, 100, 7, "a", "b");
        Add(Hello.Aes256Gcm, 101, 7, "a", "b");
        Add(Hello.Aes256Gcm, 100, 8, "a", "b");
        Add(Hello.Aes256Gcm, 100, 7, "b", "a");
        Add(Hello.Aes256Gcm, 100, 7, "ab", string.Empty);
        Assert.Equal(6, hashes.Count);

        void Add(uint suites, uint max, ulong id, string connector, string listener)
        {
            byte[] first = new byte[Hello.Bytes];
            byte[] second = new byte[Hello.Bytes];
            new Hello(suites, max, 0).Format(first);
            new Hello(Hello.Aes256Gcm, 100, id).Format(second);
            hashes.Add(Convert.ToHexString(LinkAgreement.Hash(first, second, connector, listener)));
        }
    }

    [Fact]
    public void FrameSealer_Refuses_WhenTheKeyHasSealedItsLimit()
    {
        long limit = FrameSealer.CloseReserveBytes + (3 * FrameLayout.SealedBytes(100));
        using var sealer = new FrameSealer(new FrameCipher(Key, Iv), connectionId: 1, limit);
        for (int i = 0; i < 3; i++)
        {
            Assert.True(sealer.CanSeal(FrameType.Activations, 100));
            sealer.Seal(FrameType.Activations, default, 100, new byte[FrameLayout.FrameBytes(100)]);
        }

        Assert.False(sealer.CanSeal(FrameType.Activations, 0));
        Assert.True(sealer.CanSeal(FrameType.Close, CloseWriter.Bytes));
        Assert.False(sealer.CanSeal(FrameType.Close, FrameSealer.CloseReserveBytes));
        Assert.Equal(1L << 38, FrameSealer.DefaultLimitBytes);
    }

    [Fact]
    public void FrameOpener_OpensWhatTheSealerSealed_WhenEveryBitIsIntact()
    {
        // Every single flipped bit of a whole frame is refused: by the judge of the outer header or by the seal.
        byte[] frame = new byte[FrameLayout.FrameBytes(20)];
        using (var sealer = new FrameSealer(new FrameCipher(Key, Iv), connectionId: 5, FrameSealer.DefaultLimitBytes))
        {
            sealer.Seal(FrameType.Control, new FrameHeader(1, 2, 3, 4, 5, 6), 20, frame);
        }

        using var opener = new FrameOpener(new FrameCipher(Key, Iv), connectionId: 5, maxPayloadBytes: 1000);
        for (int bit = 0; bit < frame.Length * 8; bit++)
        {
            byte[] flipped = [.. frame];
            flipped[bit / 8] ^= (byte)(1 << (bit % 8));
            bool judged = opener.TryRead(flipped, out OuterHeader header) == FrameStatus.Complete
                && FrameLayout.FrameBytes(header.Length) <= flipped.Length;
            Assert.False(judged && opener.TryOpen(flipped), $"bit {bit}");
        }

        Assert.Equal(FrameStatus.Complete, opener.TryRead(frame, out _));
        Assert.True(opener.TryOpen(frame));
        Assert.True(FrameHeader.TryParse(frame, out FrameHeader opened));
        Assert.Equal(new FrameHeader(1, 2, 3, 4, 5, 6), opened);
        Assert.Equal(FrameStatus.BadSequence, opener.TryRead(frame, out _));
    }

    private static byte[] Hex(JsonElement test, string name) => Convert.FromHexString(test.GetProperty(name).GetString()!);
}
