using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;
using NativeSplit.Transport.Pipes;

namespace NativeSplit.Transport.Links;

/// <summary>
/// An address in this process, for a program that holds both ends of a link: no port, no file. Listener and connector share the object. Everything else
/// is as over a network: certificates, keys, sealed frames.
/// </summary>
/// <param name="name">Name for messages.</param>
public sealed class InProcessEndPoint(string name) : EndPoint
{
    private const int Backlog = 512;

    private readonly Lock _gate = new();
    private Channel<Connection>? _arriving;

    /// <summary>Name for messages.</summary>
    public string Name { get; } = name;

    /// <inheritdoc/>
    public override AddressFamily AddressFamily => AddressFamily.Unspecified;

    /// <inheritdoc/>
    public override string ToString() => $"in-process:{Name}";

    /// <summary>Starts to take connections.</summary>
    /// <exception cref="SocketException">Somebody listens here already.</exception>
    internal ChannelReader<Connection> Listen()
    {
        lock (_gate)
        {
            if (_arriving is not null)
            {
                throw new SocketException((int)SocketError.AddressAlreadyInUse);
            }

            _arriving = Channel.CreateBounded<Connection>(Backlog);
            return _arriving.Reader;
        }
    }

    /// <summary>Takes no more; connections that nobody took are closed.</summary>
    internal void Unlisten()
    {
        Channel<Connection>? arriving;
        lock (_gate)
        {
            (arriving, _arriving) = (_arriving, null);
        }

        arriving?.Writer.TryComplete();
        while (arriving is not null && arriving.Reader.TryRead(out Connection? connection))
        {
            connection.Dispose();
        }
    }

    /// <summary>Opens a connection to who listens.</summary>
    /// <exception cref="SocketException">Nobody does, or too many wait.</exception>
    internal Connection Connect()
    {
        (MemoryConnection near, MemoryConnection far) = MemoryConnection.Pair(this);
        lock (_gate)
        {
            if (_arriving?.Writer.TryWrite(far) == true)
            {
                return near;
            }
        }

        throw new SocketException((int)SocketError.ConnectionRefused);
    }
}
