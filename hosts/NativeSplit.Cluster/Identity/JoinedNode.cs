using NativeSplit.Transport.Links;

namespace NativeSplit.Cluster.Identity;

/// <summary>A node that has joined.</summary>
public sealed class JoinedNode
{
    /// <summary>Takes an identity over.</summary>
    /// <param name="self">Our identity.</param>
    /// <param name="gateway">The gateway's identity, to demand on every link to it.</param>
    /// <param name="credentials">Key, certificate and authority.</param>
    /// <exception cref="ArgumentException">The certificate has no private key or isn't one of a node.</exception>
    public JoinedNode(NodeIdentity self, NodeIdentity gateway, LinkCredentials credentials)
    {
        ArgumentNullException.ThrowIfNull(credentials);
        (Self, Gateway) = (self, gateway);
        Source = new CredentialSource(credentials with { IsRevoked = Revoked.IsRevoked });
    }

    /// <summary>Our identity as it was when we joined; the authority may grant or withdraw the label at each renewal.</summary>
    public NodeIdentity Self { get; }

    /// <summary>The gateway's identity, to demand on every link to it.</summary>
    public NodeIdentity Gateway { get; }

    /// <summary>Holds the credentials and takes renewed ones in.</summary>
    public CredentialSource Source { get; }

    /// <summary>The credentials of now, for one handshake.</summary>
    public LinkCredentials Credentials => Source.Current;

    /// <summary>Certificates of other nodes that the gateway said are revoked.</summary>
    public RevokedCertificates Revoked { get; } = new();
}
