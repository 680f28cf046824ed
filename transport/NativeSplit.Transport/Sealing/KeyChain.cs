using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace NativeSplit.Transport.Sealing;

/// <summary>Later keys of one direction. Each needs the one before it and two fresh secrets, so neither an old key nor one end's secret gives the next. Not safe for concurrent use.</summary>
/// <remarks>
/// <c>root = HKDF-Extract(salt = chain, input = secret of the sender of frames, secret of their receiver)</c>, then one
/// HKDF-Expand each for key, IV and next chain, with label and phase (docs/wire.md, section 3.8).
/// </remarks>
internal sealed class KeyChain : IDisposable
{
    private readonly CipherSuites _suite;
    private readonly byte[] _chain = GC.AllocateUninitializedArray<byte>(LinkKeys.SecretBytes, pinned: true);

    /// <summary>Starts at phase 0.</summary>
    /// <param name="suite">Suite of the link.</param>
    /// <param name="chain">Shape [32]; copied.</param>
    public KeyChain(CipherSuites suite, ReadOnlySpan<byte> chain)
    {
        _suite = suite;
        chain.CopyTo(_chain);
    }

    /// <summary>Phase of the key made last.</summary>
    public uint Phase { get; private set; }

    /// <summary>Makes the next key.</summary>
    /// <param name="senderSecret">Fresh secret of the end that sends the frames. Shape [32].</param>
    /// <param name="receiverSecret">Fresh secret of the end that receives them. Shape [32].</param>
    public FrameCipher Next(ReadOnlySpan<byte> senderSecret, ReadOnlySpan<byte> receiverSecret)
    {
        Span<byte> input = stackalloc byte[2 * LinkKeys.SecretBytes];
        Span<byte> root = stackalloc byte[LinkKeys.SecretBytes];
        Span<byte> key = stackalloc byte[FrameCipher.KeyBytes(_suite)];
        Span<byte> iv = stackalloc byte[FrameCipher.IvBytes(_suite)];
        try
        {
            senderSecret.CopyTo(input);
            receiverSecret.CopyTo(input[LinkKeys.SecretBytes..]);
            Phase++;
            HKDF.Extract(HashAlgorithmName.SHA256, input, _chain, root);
            Expand(root, "key", key);
            Expand(root, "iv", iv);
            Expand(root, "chain", _chain);
            return FrameCipher.Create(_suite, key, iv);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(input);
            CryptographicOperations.ZeroMemory(root);
            CryptographicOperations.ZeroMemory(key);
            CryptographicOperations.ZeroMemory(iv);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => CryptographicOperations.ZeroMemory(_chain);

    private void Expand(ReadOnlySpan<byte> root, string name, Span<byte> output)
    {
        byte[] info = [.. Encoding.ASCII.GetBytes($"{LinkKeys.LabelPrefix}next {name}"), .. new byte[sizeof(uint)]];
        BinaryPrimitives.WriteUInt32LittleEndian(info.AsSpan(^sizeof(uint)..), Phase);
        HKDF.Expand(HashAlgorithmName.SHA256, root, output, info);
    }
}
