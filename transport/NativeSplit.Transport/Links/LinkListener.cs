using System.Net;

namespace NativeSplit.Transport.Links;

/// <summary>Accepts links (and, if a handler is given, enrolments) on one port.</summary>
public sealed class LinkListener : IAsyncDisposable
{
    /// <summary>Address it listens at, with the port the system chose when asked for 0.</summary>
    public IPEndPoint LocalEndPoint => throw new NotImplementedException();

    /// <summary>Starts to listen.</summary>
    /// <param name="endpoint">Address; port 0 lets the system choose.</param>
    /// <param name="credentials">Our identity and the root we trust.</param>
    /// <param name="options">Limits.</param>
    /// <param name="enrolment">
    /// Called for each peer without a certificate that wants to enrol, over TLS in which only we are authenticated. Null refuses them.
    /// The stream is closed when the task ends.
    /// </param>
    /// <exception cref="LinkException">The address is in use or may not be bound.</exception>
    public static LinkListener Start(IPEndPoint endpoint, LinkCredentials credentials, LinkOptions options, Func<Stream, CancellationToken, Task>? enrolment = null) => throw new NotImplementedException();

    /// <summary>The next peer that passed the handshake. Peers that fail it are dropped and counted; they don't disturb others.</summary>
    public ValueTask<SealedLink> AcceptAsync(CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>Handshakes that failed, by reason.</summary>
    public IReadOnlyDictionary<LinkFault, long> FailedHandshakes => throw new NotImplementedException();

    /// <summary>Stops listening; accepted links live on.</summary>
    public ValueTask DisposeAsync() => throw new NotImplementedException();
}
