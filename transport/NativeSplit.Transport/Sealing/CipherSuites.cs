using System.Numerics;
using System.Security.Cryptography;
using ArmAes = System.Runtime.Intrinsics.Arm.Aes;
using X86Aes = System.Runtime.Intrinsics.X86.Aes;

namespace NativeSplit.Transport.Sealing;

/// <summary>Ways to seal frames. The numbers go on the wire: each end offers a set in its hello, the listener names the one of both.</summary>
[Flags]
public enum CipherSuites : uint
{
    /// <summary>No suite.</summary>
    None = 0,

    /// <summary>AES-256-GCM (NIST SP 800-38D), with HKDF-SHA256.</summary>
    Aes256Gcm = 1,

    /// <summary>AEGIS-128L with a tag of 256 bits (draft-irtf-cfrg-aegis-aead), with HKDF-SHA256. Several times cheaper where there is AES hardware.</summary>
    Aegis128L = 2,

    /// <summary>ChaCha20-Poly1305 (RFC 8439), with HKDF-SHA256. The cheapest in plain instructions.</summary>
    ChaCha20Poly1305 = 4,
}

/// <summary>Which suites an end offers, and which one two ends take.</summary>
internal static class SuiteChoice
{
    private const CipherSuites Known = CipherSuites.Aes256Gcm | CipherSuites.Aegis128L | CipherSuites.ChaCha20Poly1305;

    /// <summary>Suites that this machine can run.</summary>
    public static CipherSuites Supported { get; } = FindSupported();

    /// <summary>
    /// Suites that this machine runs well: all it can run where there is AES hardware. Without that hardware the AES suites are slow and
    /// hard to keep constant in time, so ChaCha20-Poly1305 alone is offered wherever it exists.
    /// </summary>
    public static CipherSuites Offered { get; } =
        HasAesHardware || !Supported.HasFlag(CipherSuites.ChaCha20Poly1305) ? Supported : CipherSuites.ChaCha20Poly1305;

    private static bool HasAesHardware => X86Aes.IsSupported || ArmAes.IsSupported;

    /// <summary>The one of both: AEGIS before AES-GCM before ChaCha20; none when the sets share none.</summary>
    /// <param name="first">Suites of one end.</param>
    /// <param name="second">Suites of the other.</param>
    public static CipherSuites Choose(CipherSuites first, CipherSuites second)
    {
        CipherSuites common = first & second;
        foreach (CipherSuites suite in (ReadOnlySpan<CipherSuites>)[CipherSuites.Aegis128L, CipherSuites.Aes256Gcm, CipherSuites.ChaCha20Poly1305])
        {
            if (common.HasFlag(suite))
            {
                return suite;
            }
        }

        return CipherSuites.None;
    }

    /// <summary>Whether the set is one suite that this release knows.</summary>
    /// <param name="suites">The set.</param>
    public static bool IsOne(CipherSuites suites) => BitOperations.PopCount((uint)suites) == 1 && (suites & Known) == suites;

    private static CipherSuites FindSupported() =>
        (AesGcm.IsSupported ? CipherSuites.Aes256Gcm : CipherSuites.None)
        | (AegisCipher.IsSupported ? CipherSuites.Aegis128L : CipherSuites.None)
        | (ChaCha20Poly1305.IsSupported ? CipherSuites.ChaCha20Poly1305 : CipherSuites.None);
}
