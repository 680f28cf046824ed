using System.Security.Cryptography.X509Certificates;

namespace NativeSplit.Cluster.Identity;

/// <summary>Whether a certificate was given by a cluster authority.</summary>
internal static class AuthorityChain
{
    /// <summary>Builds the chain to the one root that counts; nothing is fetched from the network.</summary>
    /// <param name="certificate">The certificate.</param>
    /// <param name="authority">The only root.</param>
    /// <param name="at">When it must hold.</param>
    /// <param name="problem">What is wrong, or empty.</param>
    public static bool IsValid(X509Certificate2 certificate, X509Certificate2 authority, DateTimeOffset at, out string problem)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(authority);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        chain.ChainPolicy.VerificationTime = at.UtcDateTime;
        bool isValid = chain.Build(certificate);
        problem = isValid ? string.Empty : string.Join(' ', chain.ChainStatus.Select(status => status.StatusInformation.Trim()).Distinct());
        return isValid;
    }
}
