using System.Net.Sockets;
using System.Security.Authentication;
using NativeSplit.Transport.Links;

namespace NativeSplit.Transport.Handshakes;

/// <summary>Exact reads and writes of a handshake on a bare socket, and what its failures mean.</summary>
internal static class Wire
{
    /// <summary>Fills the buffer.</summary>
    /// <exception cref="EndOfStreamException">The peer closed first.</exception>
    public static async Task ReadExactlyAsync(Socket socket, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        while (!buffer.IsEmpty)
        {
            int received = await socket.ReceiveAsync(buffer, SocketFlags.None, cancellationToken).ConfigureAwait(false);
            if (received == 0)
            {
                throw new EndOfStreamException("The peer closed the connection.");
            }

            buffer = buffer[received..];
        }
    }

    /// <summary>Sends the whole buffer.</summary>
    public static async Task WriteAsync(Socket socket, ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken)
    {
        while (!buffer.IsEmpty)
        {
            buffer = buffer[await socket.SendAsync(buffer, SocketFlags.None, cancellationToken).ConfigureAwait(false)..];
        }
    }

    /// <summary>Sets what every connection of a link has: no waiting for full segments, and a dead peer noticed by the kernel.</summary>
    /// <param name="socket">A TCP socket.</param>
    public static void Tune(Socket socket)
    {
        if (socket.ProtocolType == ProtocolType.Tcp)
        {
            socket.NoDelay = true;
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, 10);
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, 5);
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount, 3);
        }
    }

    /// <summary>Whether an exception is how a handshake with a bad or vanished peer ends.</summary>
    public static bool IsExpected(Exception exception) =>
        exception is LinkException or AuthenticationException or IOException or SocketException or ObjectDisposedException
            or OperationCanceledException or InvalidOperationException or System.Security.Cryptography.CryptographicException;

    /// <summary>The fault that an exception of a handshake stands for.</summary>
    public static LinkFault FaultOf(Exception exception) => exception switch
    {
        LinkException link => link.Fault,
        OperationCanceledException => LinkFault.TimedOut,
        AuthenticationException or System.Security.Cryptography.CryptographicException => LinkFault.AuthenticationFailed,
        _ => LinkFault.Closed,
    };
}
