using System.Net.Security;
using System.Net.Sockets;

namespace NativeSplit.Transport.Links;

/// <summary>
/// The TLS connection in which a link's secrets were exchanged. It stays open for the life of the link: its end tells that the peer
/// has ended, and it is where new secrets can be exchanged.
/// </summary>
/// <remarks>
/// It ends without TLS's close_notify: the goodbye is the sealed close frame on the data connection, so the alert would add nothing.
/// To write it beside the read that always waits here would use one OpenSSL session from two threads.
/// </remarks>
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
        catch (Exception)
        {
            // An abrupt end is an end, whatever the stream calls it: OpenSSL's errors come as types that can't be named here.
        }

        onEnd(unexpected);
    }
}
