using System.Net;
using System.Security.Cryptography.X509Certificates;

namespace NativeSplit.Transport.Links;

/// <summary>Opens links and enrolments to a <see cref="LinkListener"/>.</summary>
public static class LinkConnector
{
    /// <summary>Opens a link.</summary>
    /// <param name="endpoint">Address of the listener (IP or DNS end point).</param>
    /// <param name="expectedPeer">Identity (URI name) the peer must prove.</param>
    /// <param name="credentials">Our identity and the root we trust.</param>
    /// <param name="options">Limits.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    /// <exception cref="LinkException">Unreachable, wrong peer, refused, or too slow.</exception>
    public static ValueTask<SealedLink> ConnectAsync(EndPoint endpoint, string expectedPeer, LinkCredentials credentials, LinkOptions options, CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>Opens an enrolment: TLS to a listener whose authority we know only by hash.</summary>
    /// <param name="endpoint">Address of the listener.</param>
    /// <param name="authorityHash">SHA-256 of the authority certificate (DER), from the join token.</param>
    /// <param name="options">Limits.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    /// <exception cref="LinkException">Unreachable, or the listener's authority has another hash.</exception>
    public static ValueTask<Enrolment> EnrolAsync(EndPoint endpoint, ReadOnlyMemory<byte> authorityHash, LinkOptions options, CancellationToken cancellationToken) => throw new NotImplementedException();
}

/// <summary>An open enrolment. Dispose to close.</summary>
/// <param name="Stream">TLS stream to the listener's enrolment handler.</param>
/// <param name="Authority">The authority certificate whose hash was checked.</param>
/// <param name="Peer">Identity of the listener, chained to that authority.</param>
public sealed record Enrolment(Stream Stream, X509Certificate2 Authority, string Peer) : IAsyncDisposable
{
    /// <inheritdoc/>
    public ValueTask DisposeAsync() => Stream.DisposeAsync();
}
