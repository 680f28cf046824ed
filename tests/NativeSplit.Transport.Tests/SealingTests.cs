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
    private static readonly byte[] Key = LinkSuite.Pattern(32, seed: 1);
    private static readonly byte[] Iv = LinkSuite.Pattern(12, seed: 2);

    /// <summary>The suites with their files, sizes and counts of tests. Wycheproof's AEGIS tags have 128 bits where ours have 256, so of those only the ciphertext counts.</summary>
    public static TheoryData<CipherSuites, string, int, int, bool> Vectors => new()
    {
        { CipherSuites.Aes256Gcm, "aes_gcm_test.json", 256, 66, true },
        { CipherSuites.ChaCha20Poly1305, "chacha20_poly1305_test.json", 256, 316, true },
        { CipherSuites.Aegis128L, "aegis128L_test.json", 128, 367, false },
    };

    [Theory]
    [MemberData(nameof(Vectors))]
    public void FrameCipher_AgreesWithWycheproof_WhenKeyIvAndTagHaveOurSizes(CipherSuites suite, string name, int keyBits, int count, bool sameTag)
    {
        using FileStream file = File.OpenRead(TestData.SharedPathOrSkip("vectors", name));
        using JsonDocument document = JsonDocument.Parse(file);
        int run = 0;
        foreach (JsonElement group in document.RootElement.GetProperty("testGroups").EnumerateArray())
        {
            if (group.GetProperty("keySize").GetInt32() != keyBits || group.GetProperty("ivSize").GetInt32() != FrameCipher.IvBytes(suite) * 8)
            {
                continue;
            }

            foreach (JsonElement test in group.GetProperty("tests").EnumerateArray())
            {
                bool valid = test.GetProperty("result").GetString() == "valid";
                if (valid || sameTag)
                {
                    Check(suite, test, valid, sameTag);
                    run++;
                }
            }
        }

        Assert.Equal(count, run);
    }

    private static void Check(CipherSuites suite, JsonElement test, bool valid, bool sameTag)
    {
        // Sequence 0 leaves the IV as the nonce.
        byte[] message = Hex(test, "msg");
        string name = $"{suite} tcId {test.GetProperty("tcId")}";
        using FrameCipher cipher = FrameCipher.Create(suite, Hex(test, "key"), Hex(test, "iv"));
        byte[] data = [.. message, .. new byte[cipher.TagBytes]];
        cipher.Seal(0, Hex(test, "aad"), data);
        Assert.True(data.AsSpan(0, message.Length).SequenceEqual(Hex(test, "ct")), name);
        if (sameTag)
        {
            Assert.True(valid == data.AsSpan(message.Length).SequenceEqual(Hex(test, "tag")), name);
            data = [.. Hex(test, "ct"), .. Hex(test, "tag")];
        }

        bool opened = cipher.TryOpen(0, Hex(test, "aad"), data);
        Assert.True(valid == opened, name);
        Assert.True(valid ? data.AsSpan(0, message.Length).SequenceEqual(message) : !data.AsSpan().ContainsAnyExcept((byte)0), name);
    }

    [Theory]
    [InlineData("", "", "1360dc9db8ae42455f6e5b6a9d488ea4f2184c4e12120249335c4ee84bafe25d")]
    [InlineData("00000000000000000000000000000000", "c1c0e58bd913006feba00f4b3cc3594e", "25835bfbb21632176cf03840687cb968cace4617af1bd0f7d064c639a5c79ee4")]
    public void Aegis128L_GivesTheTagOfTheDraft_WhenItHas256Bits(string message, string ciphertext, string tag)
    {
        // draft-irtf-cfrg-aegis-aead, appendix A.2.
        byte[] data = [.. Convert.FromHexString(message), .. new byte[FrameCipher.MaxTagBytes]];
        using FrameCipher cipher = FrameCipher.Create(
            CipherSuites.Aegis128L, Convert.FromHexString("10010000000000000000000000000000"), Convert.FromHexString("10000200000000000000000000000000"));
        cipher.Seal(0, [], data);
        Assert.Equal(ciphertext + tag, Convert.ToHexStringLower(data));
    }

    [Theory]
    [InlineData(CipherSuites.Aes256Gcm)]
    [InlineData(CipherSuites.Aegis128L)]
    [InlineData(CipherSuites.ChaCha20Poly1305)]
    public void FrameCipher_RefusesAndWipes_WhenAnyBitIsFlipped(CipherSuites suite)
    {
        using FrameCipher cipher = FrameCipher.Create(suite, new byte[FrameCipher.KeyBytes(suite)], new byte[FrameCipher.IvBytes(suite)]);
        byte[] data = new byte[20 + cipher.TagBytes];
        cipher.Seal(7, [1, 2], data);
        Assert.False(cipher.TryOpen(8, [1, 2], [.. data]));
        Assert.False(cipher.TryOpen(7, [1, 3], [.. data]));
        for (int bit = 0; bit < data.Length * 8; bit++)
        {
            byte[] flipped = [.. data];
            flipped[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.False(cipher.TryOpen(7, [1, 2], flipped), $"bit {bit}");
            Assert.False(flipped.AsSpan().ContainsAnyExcept((byte)0), $"bit {bit}");
        }

        Assert.True(cipher.TryOpen(7, [1, 2], data));
    }

    [Theory]
    [InlineData("000000000000000000000000", 0ul, "000000000000000000000000")]
    [InlineData("000000000000000000000000", 0x0102030405060708ul, "000000000102030405060708")]
    [InlineData("ffeeddccbbaa998877665544", 1ul, "ffeeddccbbaa998877665545")]
    [InlineData("ffeeddccffffffffffffffff", ulong.MaxValue, "ffeeddcc0000000000000000")]
    [InlineData("ffeeddccbbaa99887766554433221100", 0xFFul, "ffeeddccbbaa998877665544332211ff")]
    [InlineData("5d313eb2671276ee13000b30", 0ul, "5d313eb2671276ee13000b30")] // RFC 8448, section 3: server handshake IV, record 0
    public void WriteNonce_XorsTheBigEndianSequence_WhenGivenAnIv(string iv, ulong sequence, string nonce)
    {
        byte[] actual = new byte[iv.Length / 2];
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
        new Hello(CipherSuites.Aes256Gcm, 64 << 20, 0).Format(connector);
        new Hello(CipherSuites.Aes256Gcm, 1 << 20, id).Format(listener);
        byte[] hash = LinkAgreement.Hash(connector, listener, TestAuthority.UriOf("a"), TestAuthority.UriOf("b"));
        Assert.Equal("95a216ff5dc38b60bb914ccf6462110727306fd8eadbfbb3749b4d6e5b0cb07e", Convert.ToHexStringLower(hash));

        using LinkKeys keys = LinkKeys.Derive(
            CipherSuites.Aes256Gcm, hash, [.. Enumerable.Range(0, 32).Select(i => (byte)i)], [.. Enumerable.Range(64, 32).Select(i => (byte)i)]);
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
            using (var expected = new System.Security.Cryptography.AesGcm(Convert.FromHexString(key), cipher.TagBytes))
            {
                byte[] data = new byte[40 + cipher.TagBytes];
                cipher.Seal(0, [9], data);
                byte[] opened = new byte[40];
                expected.Decrypt(Convert.FromHexString(iv), data[..40], data[40..], opened, (byte[])[9]);
                Assert.Equal(new byte[40], opened);
            }
        }
    }

    [Fact]
    public void LinkKeys_Differ_WhenAnyParameterDiffers()
    {
        var hashes = new HashSet<string>();
        Add(CipherSuites.Aes256Gcm, 100, 7, "a", "b");
        Add((CipherSuites)3, 100, 7, "a", "b");
        Add(CipherSuites.Aes256Gcm, 101, 7, "a", "b");
        Add(CipherSuites.Aes256Gcm, 100, 8, "a", "b");
        Add(CipherSuites.Aes256Gcm, 100, 7, "b", "a");
        Add(CipherSuites.Aes256Gcm, 100, 7, "ab", string.Empty);
        Assert.Equal(6, hashes.Count);

        void Add(CipherSuites suites, uint max, ulong id, string connector, string listener)
        {
            byte[] first = new byte[Hello.Bytes];
            byte[] second = new byte[Hello.Bytes];
            new Hello(suites, max, 0).Format(first);
            new Hello(CipherSuites.Aes256Gcm, 100, id).Format(second);
            hashes.Add(Convert.ToHexString(LinkAgreement.Hash(first, second, connector, listener)));
        }
    }

    [Fact]
    public void FrameSealer_Refuses_WhenTheKeyHasSealedItsLimit()
    {
        long limit = FrameSealer.CloseReserveBytes + (3 * FrameLayout.SealedBytes(100));
        using var sealer = new FrameSealer(FrameCipher.Create(CipherSuites.Aes256Gcm, Key, Iv), connectionId: 1, limit);
        for (int i = 0; i < 3; i++)
        {
            Assert.True(sealer.CanSeal(FrameType.Activations, 100));
            sealer.Seal(FrameType.Activations, default, 100, new byte[FrameLayout.FrameBytes(100)]);
        }

        Assert.False(sealer.CanSeal(FrameType.Activations, 0));
        Assert.True(sealer.CanSeal(FrameType.Close, CloseWriter.Bytes));
        Assert.False(sealer.CanSeal(FrameType.Close, FrameSealer.CloseReserveBytes));
        Assert.Equal(1L << 39, FrameSealer.DefaultLimitBytes);
    }

    [Fact]
    public void FrameOpener_OpensWhatTheSealerSealed_WhenEveryBitIsIntact()
    {
        // Every single flipped bit of a whole frame is refused: by the judge of the outer header or by the seal.
        byte[] frame = new byte[FrameLayout.FrameBytes(20)];
        using (var sealer = new FrameSealer(FrameCipher.Create(CipherSuites.Aes256Gcm, Key, Iv), connectionId: 5, FrameSealer.DefaultLimitBytes))
        {
            sealer.Seal(FrameType.Control, new FrameHeader(1, 2, 3, 4, 5, 6), 20, frame);
        }

        using var opener = new FrameOpener(FrameCipher.Create(CipherSuites.Aes256Gcm, Key, Iv), connectionId: 5, maxPayloadBytes: 1000);
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
