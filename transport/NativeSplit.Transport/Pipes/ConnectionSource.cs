using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;
using NativeSplit.Transport.Links;

namespace NativeSplit.Transport.Pipes;

/// <summary>Where a listener's connections come from. Disposal ends an accept under way.</summary>
internal abstract class ConnectionSource : IDisposable
{
    /// <summary>Where it listens.</summary>
    public abstract EndPoint BoundEndPoint { get; }

    /// <summary>The next connection; owned by the caller.</summary>
    /// <exception cref="SocketException">One failed before it was there.</exception>
    /// <exception cref="ObjectDisposedException">None comes any more.</exception>
    public abstract ValueTask<Connection> AcceptAsync(CancellationToken cancellationToken);

    /// <inheritdoc/>
    public abstract void Dispose();
}

/// <summary>A listening TCP or Unix socket.</summary>
internal sealed class SocketSource : ConnectionSource
{
    private const int Backlog = 512;

    private readonly Socket _socket;

    /// <summary>Starts to listen.</summary>
    /// <param name="endpoint">Address; or a Unix socket, whose file is made for this user alone and goes away with the source.</param>
    /// <exception cref="SocketException">The address is in use or may not be bound.</exception>
    public SocketSource(EndPoint endpoint)
    {
        bool isUnix = endpoint is UnixDomainSocketEndPoint;
        _socket = new Socket(endpoint.AddressFamily, SocketType.Stream, isUnix ? ProtocolType.Unspecified : ProtocolType.Tcp);
        try
        {
            if (endpoint is IPEndPoint ip && ip.Address.Equals(IPAddress.IPv6Any))
            {
                _socket.DualMode = true;
            }

            _socket.Bind(endpoint);
            if (isUnix && !OperatingSystem.IsWindows())
            {
                // Before it listens nobody can have connected.
                File.SetUnixFileMode(endpoint.ToString()!, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            }

            _socket.Listen(Backlog);
            BoundEndPoint = _socket.LocalEndPoint!;
        }
        catch
        {
            _socket.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public override EndPoint BoundEndPoint { get; }

    /// <inheritdoc/>
    public override async ValueTask<Connection> AcceptAsync(CancellationToken cancellationToken)
    {
        Socket socket = await _socket.AcceptAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return new SocketConnection(socket);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        _socket.Dispose();
        if (BoundEndPoint is UnixDomainSocketEndPoint)
        {
            File.Delete(BoundEndPoint.ToString()!);
        }
    }
}

/// <summary>An end point of this process.</summary>
/// <param name="endpoint">The end point.</param>
internal sealed class InProcessSource(InProcessEndPoint endpoint) : ConnectionSource
{
    private readonly ChannelReader<Connection> _arriving = endpoint.Listen();

    /// <inheritdoc/>
    public override EndPoint BoundEndPoint => endpoint;

    /// <inheritdoc/>
    public override async ValueTask<Connection> AcceptAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await _arriving.ReadAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (ChannelClosedException)
        {
            throw new ObjectDisposedException(nameof(InProcessSource));
        }
    }

    /// <inheritdoc/>
    public override void Dispose() => endpoint.Unlisten();
}
