using System.Net.Security;
using NativeSplit.Transport.Handshakes;

namespace NativeSplit.Transport.Links;

/// <summary>Holds the credentials of a node while they are renewed: a handshake takes those of its moment, an open link keeps those it began with. Thread-safe.</summary>
public sealed class CredentialSource
{
    private volatile Held _held;

    /// <summary>Starts with credentials.</summary>
    /// <param name="credentials">Our identity and the root we trust.</param>
    /// <exception cref="ArgumentException">The certificate has no private key or isn't one of a node.</exception>
    public CredentialSource(LinkCredentials credentials)
    {
        ArgumentNullException.ThrowIfNull(credentials);
        Identity = credentials.RequireIdentity();
        _held = new Held(credentials, credentials.CreateContext());
    }

    /// <summary>Our identity; it stays the same.</summary>
    public string Identity { get; }

    /// <summary>What new handshakes use now.</summary>
    public LinkCredentials Current => _held.Credentials;

    /// <summary>Our certificate as TLS wants it, together with the credentials it is of.</summary>
    internal Held Take() => _held;

    /// <summary>A source that nobody renews.</summary>
    public static implicit operator CredentialSource(LinkCredentials credentials) => new(credentials);

    /// <summary>Uses other credentials from the next handshake on. The old certificate isn't disposed: handshakes under way hold it.</summary>
    /// <param name="credentials">Credentials of the same identity under the same root.</param>
    /// <exception cref="ArgumentException">They can't be used, or are those of another node or cluster.</exception>
    public void Replace(LinkCredentials credentials)
    {
        ArgumentNullException.ThrowIfNull(credentials);
        string identity = credentials.RequireIdentity();
        if (identity != Identity || !credentials.Authority.RawDataMemory.Span.SequenceEqual(Current.Authority.RawDataMemory.Span))
        {
            throw new ArgumentException($"The new credentials are those of {identity} under {credentials.Authority.Subject}; {Identity} under {Current.Authority.Subject} must stay.", nameof(credentials));
        }

        _held = new Held(credentials, credentials.CreateContext());
    }

    /// <summary>Credentials and what TLS makes of them.</summary>
    internal sealed record Held(LinkCredentials Credentials, SslStreamCertificateContext Context)
    {
        /// <summary>The check of a peer whose name isn't known beforehand.</summary>
        public PeerCheck CreateCheck() => new(Credentials.Authority, expectedPeer: null, Credentials.IsRevoked, Credentials.Clock);
    }
}
