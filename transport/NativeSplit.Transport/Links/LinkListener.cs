using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Threading.Channels;
using NativeSplit.Transport.Handshakes;

namespace NativeSplit.Transport.Links;

/// <summary>Accepts links (and, if handlers are given, enrolments and renewals) on one port.</summary>
public sealed class LinkListener : IAsyncDisposable
{
    private const int Backlog = 512;

    private readonly Socket _socket;
    private readonly ListenerHandshakes _handshakes;
    private readonly Channel<SealedLink> _accepted;
    private readonly CancellationTokenSource _lifetime = new();
    private readonly Task _accepting;
    private int _disposed;

    private LinkListener(
        Socket socket,
        CredentialSource credentials,
        LinkOptions options,
        Func<Stream, CancellationToken, Task>? enrolment,
        Func<X509Certificate2, Stream, CancellationToken, Task>? renewal)
    {
        _socket = socket;
        BoundEndPoint = socket.LocalEndPoint!;
        _accepted = Channel.CreateBounded<SealedLink>(new BoundedChannelOptions(options.MaxWaitingLinks) { FullMode = BoundedChannelFullMode.Wait });
        _handshakes = new ListenerHandshakes(credentials, options, enrolment, renewal, _accepted.Writer.TryWrite);
        _accepting = AcceptLoopAsync();
    }

    /// <summary>Where it listens: the address with the port the system chose when asked for 0, or the path of a Unix socket.</summary>
    public EndPoint BoundEndPoint { get; }

    /// <summary>Address it listens at.</summary>
    /// <exception cref="InvalidOperationException">It listens at a Unix socket.</exception>
    public IPEndPoint LocalEndPoint => BoundEndPoint as IPEndPoint
        ?? throw new InvalidOperationException($"The listener is at the Unix socket {BoundEndPoint}, which has no address.");

    /// <summary>Handshakes that failed, by reason; reasons that never came are absent.</summary>
    public IReadOnlyDictionary<LinkFault, long> FailedHandshakes => _handshakes.Failures();

    /// <summary>Handshakes and enrolments that are unfinished now.</summary>
    public int PendingHandshakes => _handshakes.Pending;

    /// <summary>Starts to listen.</summary>
    /// <param name="endpoint">
    /// Address, where port 0 lets the system choose; or a Unix socket, whose file is made for this user alone, must not exist, and goes away with
    /// the listener.
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
        bool isUnix = endpoint is UnixDomainSocketEndPoint;
        var socket = new Socket(endpoint.AddressFamily, SocketType.Stream, isUnix ? ProtocolType.Unspecified : ProtocolType.Tcp);
        try
        {
            if (endpoint is IPEndPoint ip && ip.Address.Equals(IPAddress.IPv6Any))
            {
                socket.DualMode = true;
            }

            socket.Bind(endpoint);
            if (isUnix && !OperatingSystem.IsWindows())
            {
                // Before it listens nobody can have connected.
                File.SetUnixFileMode(endpoint.ToString()!, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            }

            socket.Listen(Backlog);
            return new LinkListener(socket, credentials, options, enrolment, renewal);
        }
        catch (SocketException e)
        {
            socket.Dispose();
            throw new LinkException(LinkFault.AddressUnavailable, Explain(endpoint, e), e);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

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
        _socket.Dispose();
        if (BoundEndPoint is UnixDomainSocketEndPoint)
        {
            File.Delete(BoundEndPoint.ToString()!);
        }

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
                Socket socket = await _socket.AcceptAsync(lifetime).ConfigureAwait(false);
                _ = Task.Run(() => _handshakes.ServeAsync(socket, lifetime), CancellationToken.None);
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
        endpoint is IPEndPoint ip ? Explain(ip, e) : $"Can't listen at the Unix socket {endpoint}: {e.Message}; remove what is there, or choose another path.";

    private static string Explain(IPEndPoint endpoint, SocketException e) => e.SocketErrorCode switch
    {
        SocketError.AddressAlreadyInUse => $"Port {endpoint.Port} is in use at {endpoint.Address}; choose another with --listen.",
        SocketError.AccessDenied => $"Port {endpoint.Port} may not be opened by this user; choose one above 1023 with --listen.",
        SocketError.AddressNotAvailable => $"{endpoint.Address} isn't an address of this machine; choose another with --listen.",
        _ => $"Can't listen at {endpoint}: {e.Message}; choose another address with --listen.",
    };
}
