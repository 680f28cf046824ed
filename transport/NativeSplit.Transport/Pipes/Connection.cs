using System.Net;
using System.Net.Sockets;

namespace NativeSplit.Transport.Pipes;

/// <summary>A two-way stream of bytes below a link: a socket, or memory between two ends of one process.</summary>
/// <remarks>
/// One receive beside one send at a time; <see cref="IDisposable.Dispose"/> and <see cref="Shutdown"/> from any thread. What fails, fails as it does on a socket:
/// <see cref="SocketException"/>, or <see cref="ObjectDisposedException"/> after disposal, also for an operation under way.
/// </remarks>
internal abstract class Connection : IDisposable
{
    /// <summary>The other end.</summary>
    public abstract EndPoint RemoteEndPoint { get; }

    /// <summary>Whether bytes are there to be received at once.</summary>
    public abstract bool HasReceived { get; }

    /// <summary>Receives some bytes, at least one; 0 at the end of the stream.</summary>
    public abstract ValueTask<int> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken);

    /// <summary>Sends some bytes, at least one, and says how many.</summary>
    public abstract ValueTask<int> SendAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken);

    /// <summary>Ends one direction or both.</summary>
    public abstract void Shutdown(SocketShutdown how);

    /// <summary>Throws away what has been received already, within reason, without waiting: closing with unread bytes would reset the connection.</summary>
    public abstract void DiscardReceived();

    /// <summary>
    /// Keeps what the system holds back for later short, so that a frame that overtakes others in our queue doesn't wait behind them in the system's.
    /// </summary>
    public abstract void KeepUnsentShort();

    /// <inheritdoc/>
    public abstract void Dispose();

    /// <summary>Fills the buffer.</summary>
    /// <exception cref="EndOfStreamException">The peer closed first.</exception>
    public async Task ReadExactlyAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        while (!buffer.IsEmpty)
        {
            int received = await ReceiveAsync(buffer, cancellationToken).ConfigureAwait(false);
            if (received == 0)
            {
                throw new EndOfStreamException("The peer closed the connection.");
            }

            buffer = buffer[received..];
        }
    }

    /// <summary>Sends the whole buffer.</summary>
    public async Task WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken)
    {
        while (!buffer.IsEmpty)
        {
            buffer = buffer[await SendAsync(buffer, cancellationToken).ConfigureAwait(false)..];
        }
    }
}
