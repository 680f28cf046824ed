using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Security.Authentication;
using NativeSplit.Transport.Links;

namespace NativeSplit.Transport.Handshakes;

/// <summary>Exact reads and writes of a handshake on a bare socket, and what its failures mean.</summary>
internal static class Wire
{
    /// <summary>Bytes not yet sent that the kernel may hold of a connection with bulk frames.</summary>
    public const int UnsentBytes = 128 << 10;

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

    /// <summary>
    /// Keeps what the kernel holds back for later short, so that a frame that overtakes others in our queue doesn't wait behind them in the kernel's. On
    /// Linux; elsewhere only the peer's credit bounds it.
    /// </summary>
    /// <param name="socket">Socket of a data connection.</param>
    public static void KeepUnsentShort(Socket socket)
    {
        if (OperatingSystem.IsLinux() && socket.ProtocolType == ProtocolType.Tcp)
        {
            const int tcp = 6;
            const int notSentLowAt = 25;
            Span<byte> value = stackalloc byte[sizeof(int)];
            MemoryMarshal.Write(value, UnsentBytes);
            try
            {
                socket.SetRawSocketOption(tcp, notSentLowAt, value);
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                // A kernel without the option; or the link ends, and the send will tell.
            }
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
