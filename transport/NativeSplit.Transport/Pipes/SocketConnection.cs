using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace NativeSplit.Transport.Pipes;

/// <summary>A connected TCP or Unix stream socket.</summary>
internal sealed class SocketConnection : Connection
{
    /// <summary>Bytes not yet sent that the kernel may hold of a connection with bulk frames.</summary>
    public const int UnsentBytes = 128 << 10;

    private readonly Socket _socket;

    /// <summary>Takes over a socket and sets what every connection of a link has: no waiting for full segments, and a dead peer noticed by the kernel.</summary>
    /// <param name="socket">Connected; owned from here.</param>
    public SocketConnection(Socket socket)
    {
        _socket = socket;
        if (socket.ProtocolType == ProtocolType.Tcp)
        {
            socket.NoDelay = true;
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, 10);
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, 5);
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount, 3);
        }
    }

    /// <inheritdoc/>
    public override EndPoint RemoteEndPoint => _socket.RemoteEndPoint ?? throw new SocketException((int)SocketError.NotConnected);

    /// <inheritdoc/>
    public override bool HasReceived => _socket.Available > 0;

    /// <inheritdoc/>
    public override ValueTask<int> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken) =>
        _socket.ReceiveAsync(buffer, SocketFlags.None, cancellationToken);

    /// <inheritdoc/>
    public override ValueTask<int> SendAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken) =>
        _socket.SendAsync(buffer, SocketFlags.None, cancellationToken);

    /// <inheritdoc/>
    public override void Shutdown(SocketShutdown how) => _socket.Shutdown(how);

    /// <inheritdoc/>
    public override void DiscardReceived()
    {
        Span<byte> discarded = stackalloc byte[4096];
        for (int left = 1024; left > 0 && _socket.Available > 0 && _socket.Receive(discarded) > 0; left--)
        {
        }
    }

    /// <inheritdoc/>
    /// <remarks>On Linux; elsewhere only the peer's credit bounds it.</remarks>
    public override void KeepUnsentShort()
    {
        if (OperatingSystem.IsLinux() && _socket.ProtocolType == ProtocolType.Tcp)
        {
            const int tcp = 6;
            const int notSentLowAt = 25;
            Span<byte> value = stackalloc byte[sizeof(int)];
            MemoryMarshal.Write(value, UnsentBytes);
            try
            {
                _socket.SetRawSocketOption(tcp, notSentLowAt, value);
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                // A kernel without the option; or the link ends, and the send will tell.
            }
        }
    }

    /// <inheritdoc/>
    public override void Dispose() => _socket.Dispose();
}
