using System.Security.Cryptography.X509Certificates;

namespace NativeSplit.Transport.Links;

/// <summary>Who we are on links and whom we trust.</summary>
/// <param name="Certificate">Own certificate with private key; its one URI name (SPIFFE) is our identity.</param>
/// <param name="Authority">The only root that peers' certificates may chain to.</param>
public sealed record LinkCredentials(X509Certificate2 Certificate, X509Certificate2 Authority);
