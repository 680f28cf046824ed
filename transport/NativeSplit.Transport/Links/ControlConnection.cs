using System.Net.Security;
using System.Net.Sockets;

namespace NativeSplit.Transport.Links;

/// <summary>
/// The TLS connection in which a link's secrets were exchanged. It stays open for the life of the link: its end tells that the peer
/// has ended, and it is where new secrets can be exchanged.
/// </summary>
/// <param name="socket">Socket under the stream; owned.</param>
/// <param name="stream">TLS stream after the handshake; owned.</param>
internal sealed class ControlConnection(Socket socket, SslStream stream) : IAsyncDisposable
{
    private Task _watch = Task.CompletedTask;

    /// <summary>Starts to watch. Version 1 sends nothing here after the handshake.</summary>
    /// <param name="onEnd">Called once when the connection ends; true when the peer sent a byte where none may come.</param>
    public void Watch(Action<bool> onEnd) => _watch = WatchAsync(onEnd);

    /// <summary>Breaks the connection at once.</summary>
    public void Abort() => socket.Dispose();

    /// <summary>Ends TLS properly if that works within the token's time, then closes.</summary>
    /// <param name="cancellationToken">Bounds the time.</param>
    public async Task CloseAsync(CancellationToken cancellationToken)
    {
        try
        {
            await stream.ShutdownAsync().WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or SocketException or InvalidOperationException or OperationCanceledException)
        {
            // The peer is gone before us, which is what we want anyway.
        }

        await DisposeAsync().ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        // The socket first: it ends the read under way, and only then nobody uses the stream any more.
        socket.Dispose();
        await _watch.ConfigureAwait(false);
        await stream.DisposeAsync().ConfigureAwait(false);
    }

    private async Task WatchAsync(Action<bool> onEnd)
    {
        bool unexpected = false;
        try
        {
            unexpected = await stream.ReadAsync(new byte[1], CancellationToken.None).ConfigureAwait(false) != 0;
        }
        catch (Exception e) when (e is IOException or SocketException or InvalidOperationException)
        {
            // An abrupt end is an end.
        }

        onEnd(unexpected);
    }
}
