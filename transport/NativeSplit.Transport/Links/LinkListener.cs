using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Threading.Channels;
using NativeSplit.Transport.Handshakes;
using NativeSplit.Transport.Pipes;

namespace NativeSplit.Transport.Links;

/// <summary>Accepts links (and, if handlers are given, enrolments and renewals) on one port.</summary>
public sealed class LinkListener : IAsyncDisposable
{
    private readonly ConnectionSource _source;
    private readonly ListenerHandshakes _handshakes;
    private readonly Channel<SealedLink> _accepted;
    private readonly CancellationTokenSource _lifetime = new();
    private readonly Task _accepting;
    private int _disposed;

    private LinkListener(
        ConnectionSource source,
        CredentialSource credentials,
        LinkOptions options,
        Func<Stream, CancellationToken, Task>? enrolment,
        Func<X509Certificate2, Stream, CancellationToken, Task>? renewal)
    {
        _source = source;
        _accepted = Channel.CreateBounded<SealedLink>(new BoundedChannelOptions(options.MaxWaitingLinks) { FullMode = BoundedChannelFullMode.Wait });
        _handshakes = new ListenerHandshakes(credentials, options, enrolment, renewal, _accepted.Writer.TryWrite);
        _accepting = AcceptLoopAsync();
    }

    /// <summary>Where it listens: the address with the port the system chose when asked for 0, the path of a Unix socket, or the end point of this process.</summary>
    public EndPoint BoundEndPoint => _source.BoundEndPoint;

    /// <summary>Address it listens at.</summary>
    /// <exception cref="InvalidOperationException">It listens at a Unix socket or in this process.</exception>
    public IPEndPoint LocalEndPoint => BoundEndPoint as IPEndPoint
        ?? throw new InvalidOperationException($"The listener is at {BoundEndPoint}, which has no IP address.");

    /// <summary>Handshakes that failed, by reason; reasons that never came are absent.</summary>
    public IReadOnlyDictionary<LinkFault, long> FailedHandshakes => _handshakes.Failures();

    /// <summary>Handshakes and enrolments that are unfinished now.</summary>
    public int PendingHandshakes => _handshakes.Pending;

    /// <summary>Starts to listen.</summary>
    /// <param name="endpoint">
    /// Address, where port 0 lets the system choose; or a Unix socket, whose file is made for this user alone, must not exist, and goes away with
    /// the listener; or an <see cref="InProcessEndPoint"/>.
    /// </param>
    /// <param name="credentials">Our identity and the root we trust. Each handshake takes those of its moment.</param>
    /// <param name="options">Limits.</param>
    /// <param name="enrolment">
    /// Called for each peer without a certificate that wants to enrol, over TLS in which only we are authenticated. Null refuses them.
    /// The stream is closed when the task ends, and when <see cref="LinkOptions.EnrolmentTimeout"/> is over.
    /// </param>
    /// <param name="renewal">
    /// Called for each peer that wants its certificate renewed, with that certificate, verified and not revoked, over TLS in which both ends
    /// are authenticated. Null refuses them. Bounded as enrolments are.
    /// </param>
    /// <exception cref="ArgumentException">The credentials or the options make no sense.</exception>
    /// <exception cref="LinkException">The address is in use or may not be bound.</exception>
    public static LinkListener Start(
        EndPoint endpoint,
        CredentialSource credentials,
        LinkOptions options,
        Func<Stream, CancellationToken, Task>? enrolment = null,
        Func<X509Certificate2, Stream, CancellationToken, Task>? renewal = null)
    {
        ArgumentNullException.ThrowIfNull(endpoint);
        ArgumentNullException.ThrowIfNull(credentials);
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        ArgumentOutOfRangeException.ThrowIfGreaterThan(
            credentials.Current.Authority.RawDataMemory.Length, ListenerHandshakes.MaxAuthorityBytes, nameof(credentials));
        ConnectionSource? source = null;
        try
        {
            source = endpoint is InProcessEndPoint inside ? new InProcessSource(inside) : new SocketSource(endpoint);
            return new LinkListener(source, credentials, options, enrolment, renewal);
        }
        catch (SocketException e)
        {
            throw new LinkException(LinkFault.AddressUnavailable, Explain(endpoint, e), e);
        }
        catch
        {
            source?.Dispose();
            throw;
        }
    }

    /// <summary>Starts on a source of connections that is there already.</summary>
    /// <param name="source">The source; owned from here.</param>
    /// <param name="credentials">Our identity and the root we trust.</param>
    /// <param name="options">Limits.</param>
    internal static LinkListener Start(ConnectionSource source, CredentialSource credentials, LinkOptions options) =>
        new(source, credentials, options, enrolment: null, renewal: null);

    /// <summary>The next peer that passed the handshake. Peers that fail it are dropped and counted; they don't disturb others.</summary>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="LinkException">The listener was disposed (<see cref="LinkFault.Closed"/>).</exception>
    public async ValueTask<SealedLink> AcceptAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await _accepted.Reader.ReadAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (ChannelClosedException e)
        {
            throw new LinkException(LinkFault.Closed, $"The listener at {BoundEndPoint} has been closed.", e);
        }
    }

    /// <summary>Stops listening and ends unfinished handshakes; accepted links live on, links that nobody accepted are closed.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        await _lifetime.CancelAsync().ConfigureAwait(false);
        _source.Dispose();
        await _accepting.ConfigureAwait(false);
        _accepted.Writer.TryComplete();
        while (_accepted.Reader.TryRead(out SealedLink? link))
        {
            await link.DisposeAsync().ConfigureAwait(false);
        }
    }

    private async Task AcceptLoopAsync()
    {
        CancellationToken lifetime = _lifetime.Token;
        while (!lifetime.IsCancellationRequested)
        {
            try
            {
                Connection connection = await _source.AcceptAsync(lifetime).ConfigureAwait(false);
                _ = Task.Run(() => _handshakes.ServeAsync(connection, lifetime), CancellationToken.None);
            }
            catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
            {
                return;
            }
            catch (SocketException e) when (e.SocketErrorCode is SocketError.TooManyOpenSockets or SocketError.NoBufferSpaceAvailable)
            {
                // Out of descriptors: the waiting connection would fail again at once, so let some handshakes end first.
                await Task.Delay(TimeSpan.FromMilliseconds(50), CancellationToken.None).ConfigureAwait(false);
            }
            catch (SocketException)
            {
                // The peer left before it was accepted.
            }
        }
    }

    private static string Explain(EndPoint endpoint, SocketException e) =>
        endpoint is IPEndPoint ip ? Explain(ip, e) : $"Can't listen at {endpoint}: {e.Message}; remove what is there, or choose another path.";

    private static string Explain(IPEndPoint endpoint, SocketException e) => e.SocketErrorCode switch
    {
        SocketError.AddressAlreadyInUse => $"Port {endpoint.Port} is in use at {endpoint.Address}; choose another with --listen.",
        SocketError.AccessDenied => $"Port {endpoint.Port} may not be opened by this user; choose one above 1023 with --listen.",
        SocketError.AddressNotAvailable => $"{endpoint.Address} isn't an address of this machine; choose another with --listen.",
        _ => $"Can't listen at {endpoint}: {e.Message}; choose another address with --listen.",
    };
}
