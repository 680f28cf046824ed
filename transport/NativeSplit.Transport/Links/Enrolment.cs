using System.Security.Cryptography.X509Certificates;

namespace NativeSplit.Transport.Links;

/// <summary>An open enrolment or renewal. Dispose to close.</summary>
/// <param name="Stream">TLS stream to the listener's handler.</param>
/// <param name="Authority">The authority certificate whose hash was checked; the caller's to keep.</param>
/// <param name="Peer">Identity of the listener, chained to that authority.</param>
public sealed record Enrolment(Stream Stream, X509Certificate2 Authority, string Peer) : IAsyncDisposable
{
    /// <inheritdoc/>
    public ValueTask DisposeAsync() => Stream.DisposeAsync();
}
