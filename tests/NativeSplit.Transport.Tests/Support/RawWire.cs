using System.Net.Sockets;
using NativeSplit.Transport.Pipes;

namespace NativeSplit.Transport.Tests.Support;

/// <summary>Exact reads and writes on a bare socket.</summary>
internal static class RawWire
{
    public static async Task ReadExactlyAsync(Socket socket, Memory<byte> buffer, CancellationToken cancellationToken) =>
        await new SocketConnection(socket).ReadExactlyAsync(buffer, cancellationToken);

    public static async Task WriteAsync(Socket socket, ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken) =>
        await new SocketConnection(socket).WriteAsync(buffer, cancellationToken);
}
