using System.Net;
using System.Security.Cryptography;
using NativeSplit.Transport.Handshakes;

namespace NativeSplit.Transport.Links;

/// <summary>Opens links, enrolments and renewals to a <see cref="LinkListener"/>.</summary>
public static class LinkConnector
{
    /// <summary>Opens a link.</summary>
    /// <param name="endpoint">Address of the listener: IP or DNS end point, or Unix socket.</param>
    /// <param name="expectedPeer">Identity (URI name) the peer must prove.</param>
    /// <param name="credentials">Our identity and the root we trust.</param>
    /// <param name="options">Limits.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    /// <exception cref="ArgumentException">The credentials or the options make no sense.</exception>
    /// <exception cref="LinkException">Unreachable, wrong peer, refused, or too slow.</exception>
    public static ValueTask<SealedLink> ConnectAsync(
        EndPoint endpoint, string expectedPeer, LinkCredentials credentials, LinkOptions options, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(endpoint);
        ArgumentException.ThrowIfNullOrEmpty(expectedPeer);
        ArgumentNullException.ThrowIfNull(credentials);
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        credentials.RequireIdentity();
        return RunAsync(endpoint, options, (handshake, token) => handshake.ConnectAsync(expectedPeer, credentials, token), cancellationToken);
    }

    /// <summary>Opens an enrolment: TLS to a listener whose authority we know only by hash.</summary>
    /// <param name="endpoint">Address of the listener.</param>
    /// <param name="authorityHash">SHA-256 of the authority certificate (DER), from the join token.</param>
    /// <param name="options">Limits.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    /// <exception cref="ArgumentException">The hash hasn't 32 bytes, or the options make no sense.</exception>
    /// <exception cref="LinkException">Unreachable, refused, or the listener's authority has another hash.</exception>
    public static ValueTask<Enrolment> EnrolAsync(
        EndPoint endpoint, ReadOnlyMemory<byte> authorityHash, LinkOptions options, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(endpoint);
        ArgumentOutOfRangeException.ThrowIfNotEqual(authorityHash.Length, SHA256.HashSizeInBytes);
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        return RunAsync(endpoint, options, (handshake, token) => handshake.EnrolAsync(authorityHash, token), cancellationToken);
    }

    /// <summary>Opens a renewal: TLS to a listener that we know, in which both ends are authenticated.</summary>
    /// <param name="endpoint">Address of the listener.</param>
    /// <param name="expectedPeer">Identity (URI name) the peer must prove.</param>
    /// <param name="credentials">Our identity and the root we trust.</param>
    /// <param name="options">Limits.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    /// <exception cref="ArgumentException">The credentials or the options make no sense.</exception>
    /// <exception cref="LinkException">Unreachable, wrong peer, refused, or too slow.</exception>
    public static ValueTask<Enrolment> RenewAsync(
        EndPoint endpoint, string expectedPeer, LinkCredentials credentials, LinkOptions options, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(endpoint);
        ArgumentException.ThrowIfNullOrEmpty(expectedPeer);
        ArgumentNullException.ThrowIfNull(credentials);
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        credentials.RequireIdentity();
        return RunAsync(endpoint, options, (handshake, token) => handshake.RenewAsync(expectedPeer, credentials, token), cancellationToken);
    }

    private static async ValueTask<T> RunAsync<T>(
        EndPoint endpoint, LinkOptions options, Func<ConnectorHandshake, CancellationToken, Task<T>> run, CancellationToken cancellationToken)
    {
        var handshake = new ConnectorHandshake(endpoint, options);
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(options.HandshakeTimeout);
        try
        {
            return await run(handshake, deadline.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (Wire.IsExpected(e))
        {
            // The caller's cancel, the time-out and the peer's end are three outcomes.
            cancellationToken.ThrowIfCancellationRequested();
            throw handshake.Explain(e);
        }
    }
}
