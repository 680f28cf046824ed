using System.Buffers.Binary;
using System.Security.Cryptography;

namespace NativeSplit.Transport.Sealing;

/// <summary>Keys of one link, derived from the secrets that both ends exchanged inside the control connection. Dispose wipes them.</summary>
/// <remarks>
/// HKDF-SHA256 (RFC 5869): the salt is the hash of the handshake (both identities and every negotiated parameter), the input is
/// the connector's secret and then the listener's; one label per output (docs/wire.md, section 3.4).
/// </remarks>
internal sealed class LinkKeys : IDisposable
{
    /// <summary>Bytes of a secret, of a proof and of the handshake hash.</summary>
    public const int SecretBytes = 32;

    /// <summary>Start of every label.</summary>
    public const string LabelPrefix = "nativesplit/1 ";
    private readonly CipherSuites _suite;
    private readonly byte[] _connectorKey;
    private readonly byte[] _connectorIv;
    private readonly byte[] _connectorProof = Pinned(SecretBytes);
    private readonly byte[] _connectorChain = Pinned(SecretBytes);
    private readonly byte[] _listenerKey;
    private readonly byte[] _listenerIv;
    private readonly byte[] _listenerProof = Pinned(SecretBytes);
    private readonly byte[] _listenerChain = Pinned(SecretBytes);

    private LinkKeys(CipherSuites suite)
    {
        _suite = suite;
        _connectorKey = Pinned(FrameCipher.KeyBytes(suite));
        _connectorIv = Pinned(FrameCipher.IvBytes(suite));
        _listenerKey = Pinned(FrameCipher.KeyBytes(suite));
        _listenerIv = Pinned(FrameCipher.IvBytes(suite));
    }

    /// <summary>Derives the keys.</summary>
    /// <param name="suite">The suite that was chosen.</param>
    /// <param name="handshakeHash">SHA-256 of the handshake. Shape [32].</param>
    /// <param name="connectorSecret">Shape [32].</param>
    /// <param name="listenerSecret">Shape [32].</param>
    public static LinkKeys Derive(
        CipherSuites suite, ReadOnlySpan<byte> handshakeHash, ReadOnlySpan<byte> connectorSecret, ReadOnlySpan<byte> listenerSecret)
    {
        Span<byte> input = stackalloc byte[2 * SecretBytes];
        Span<byte> root = stackalloc byte[SecretBytes];
        connectorSecret.CopyTo(input);
        listenerSecret.CopyTo(input[SecretBytes..]);
        var keys = new LinkKeys(suite);
        try
        {
            HKDF.Extract(HashAlgorithmName.SHA256, input, handshakeHash, root);
            Expand(root, "connector key"u8, keys._connectorKey);
            Expand(root, "connector iv"u8, keys._connectorIv);
            Expand(root, "connector proof"u8, keys._connectorProof);
            Expand(root, "connector chain"u8, keys._connectorChain);
            Expand(root, "listener key"u8, keys._listenerKey);
            Expand(root, "listener iv"u8, keys._listenerIv);
            Expand(root, "listener proof"u8, keys._listenerProof);
            Expand(root, "listener chain"u8, keys._listenerChain);
            return keys;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(input);
            CryptographicOperations.ZeroMemory(root);
        }
    }

    /// <summary>Cipher of the frames that one end sends.</summary>
    /// <param name="fromConnector">Whether that end is the connector.</param>
    public FrameCipher CreateCipher(bool fromConnector) =>
        fromConnector ? FrameCipher.Create(_suite, _connectorKey, _connectorIv) : FrameCipher.Create(_suite, _listenerKey, _listenerIv);

    /// <summary>Later keys of the frames that one end sends.</summary>
    /// <param name="fromConnector">Whether that end is the connector.</param>
    public KeyChain CreateChain(bool fromConnector) => new(_suite, fromConnector ? _connectorChain : _listenerChain);

    /// <summary>Proof that a data connection belongs to this link: HMAC-SHA256 over its opening and the connection id.</summary>
    /// <param name="fromConnector">Whether the connector proves itself; otherwise the listener does.</param>
    /// <param name="preamble">The eight bytes that opened the data connection.</param>
    /// <param name="connectionId">Id of the link.</param>
    /// <param name="proof">Shape [32].</param>
    public void WriteProof(bool fromConnector, ReadOnlySpan<byte> preamble, ulong connectionId, Span<byte> proof)
    {
        Span<byte> message = stackalloc byte[preamble.Length + sizeof(ulong)];
        preamble.CopyTo(message);
        BinaryPrimitives.WriteUInt64LittleEndian(message[preamble.Length..], connectionId);
        HMACSHA256.HashData(fromConnector ? _connectorProof : _listenerProof, message, proof);
    }

    /// <summary>Checks a proof in constant time.</summary>
    /// <inheritdoc cref="WriteProof"/>
    public bool IsProof(bool fromConnector, ReadOnlySpan<byte> preamble, ulong connectionId, ReadOnlySpan<byte> proof)
    {
        Span<byte> expected = stackalloc byte[SecretBytes];
        WriteProof(fromConnector, preamble, connectionId, expected);
        return CryptographicOperations.FixedTimeEquals(expected, proof);
    }

    /// <summary>Wipes the keys.</summary>
    public void Dispose()
    {
        ReadOnlySpan<byte[]> secrets =
        [
            _connectorKey, _connectorIv, _connectorProof, _connectorChain, _listenerKey, _listenerIv, _listenerProof, _listenerChain,
        ];
        foreach (byte[] secret in secrets)
        {
            CryptographicOperations.ZeroMemory(secret);
        }
    }

    private static void Expand(ReadOnlySpan<byte> root, ReadOnlySpan<byte> name, Span<byte> output)
    {
        Span<byte> label = stackalloc byte[LabelPrefix.Length + name.Length];
        System.Text.Encoding.ASCII.GetBytes(LabelPrefix, label);
        name.CopyTo(label[LabelPrefix.Length..]);
        HKDF.Expand(HashAlgorithmName.SHA256, root, output, label);
    }

    // Pinned, so that the collector never leaves a copy behind that a wipe would miss.
    private static byte[] Pinned(int bytes) => GC.AllocateUninitializedArray<byte>(bytes, pinned: true);
}
