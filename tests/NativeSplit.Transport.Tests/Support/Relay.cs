using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using NativeSplit.Transport.Frames;
using NativeSplit.Transport.Handshakes;
using NativeSplit.Transport.Sealing;

namespace NativeSplit.Transport.Tests.Support;

/// <summary>Which way bytes go through a relay.</summary>
internal enum Way
{
    ToListener,
    ToConnector,
}

/// <summary>Rewrites the frames of a data connection: gets each in turn and says what goes on instead. Null cuts the connection there.</summary>
/// <param name="way">Which way the frame goes.</param>
/// <param name="index">Number of the frame in its way.</param>
/// <param name="frame">Its bytes.</param>
internal delegate IReadOnlyList<byte[]>? FrameRewriter(Way way, int index, byte[] frame);

/// <summary>Somebody in the middle: a TCP relay that records everything and may rewrite the frames of data connections.</summary>
internal sealed class Relay : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly IPEndPoint _target;
    private readonly FrameRewriter? _rewrite;
    private readonly int _chunkBytes;
    private readonly ConcurrentBag<Socket> _sockets = [];

    /// <param name="target">The true listener.</param>
    /// <param name="rewrite">What to do with frames; null passes them on.</param>
    /// <param name="chunkBytes">Most bytes passed on at once.</param>
    public Relay(IPEndPoint target, FrameRewriter? rewrite = null, int chunkBytes = 64 << 10)
    {
        (_target, _rewrite, _chunkBytes) = (target, rewrite, chunkBytes);
        _listener.Start();
        _ = AcceptAsync();
    }

    public IPEndPoint EndPoint => (IPEndPoint)_listener.LocalEndpoint;

    /// <summary>What went through, by kind of connection and way.</summary>
    public ConcurrentDictionary<(ConnectionKind Kind, Way Way), MemoryStream> Recorded { get; } = new();

    public byte[] RecordOf(ConnectionKind kind, Way way)
    {
        if (!Recorded.TryGetValue((kind, way), out MemoryStream? stream))
        {
            return [];
        }

        lock (stream)
        {
            return stream.ToArray();
        }
    }

    public ValueTask DisposeAsync()
    {
        _listener.Dispose();
        foreach (Socket socket in _sockets)
        {
            socket.Dispose();
        }

        return ValueTask.CompletedTask;
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                Socket near = await _listener.AcceptSocketAsync();
                _ = ServeAsync(near);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    private async Task ServeAsync(Socket near)
    {
        var far = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        near.NoDelay = true;
        _sockets.Add(near);
        _sockets.Add(far);
        try
        {
            await far.ConnectAsync(_target);
            byte[] opening = new byte[Preamble.Bytes];
            await RawWire.ReadExactlyAsync(near, opening, CancellationToken.None);
            var kind = (ConnectionKind)opening[Preamble.KindOffset];
            await PassAsync(far, kind, Way.ToListener, opening);
            Task up = PumpAsync(near, far, kind, Way.ToListener);
            Task down = PumpAsync(far, near, kind, Way.ToConnector);
            await Task.WhenAll(up, down);
        }
        catch (Exception e) when (e is SocketException or IOException or ObjectDisposedException)
        {
            near.Dispose();
            far.Dispose();
        }
    }

    private async Task PumpAsync(Socket from, Socket to, ConnectionKind kind, Way way)
    {
        bool cut = false;
        try
        {
            if (kind == ConnectionKind.Data && _rewrite is not null)
            {
                byte[] claim = new byte[way == Way.ToListener ? WaitingLinks.ClaimBytes : LinkKeys.SecretBytes];
                await RawWire.ReadExactlyAsync(from, claim, CancellationToken.None);
                await PassAsync(to, kind, way, claim);
                cut = !await RewriteAsync(from, to, way);
            }
            else
            {
                byte[] buffer = new byte[_chunkBytes];
                while (await from.ReceiveAsync(buffer, SocketFlags.None) is > 0 and int received)
                {
                    await PassAsync(to, kind, way, buffer.AsMemory(0, received));
                }
            }
        }
        catch (Exception e) when (e is SocketException or IOException or ObjectDisposedException)
        {
            // One side is gone; the other learns it below.
        }

        try
        {
            to.Shutdown(SocketShutdown.Send);
            if (cut)
            {
                from.Dispose();
                to.Dispose();
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Already gone.
        }
    }

    private async Task<bool> RewriteAsync(Socket from, Socket to, Way way)
    {
        for (int index = 0; ; index++)
        {
            byte[] prefix = new byte[FrameLayout.PrefixBytes];
            await RawWire.ReadExactlyAsync(from, prefix, CancellationToken.None);
            int length = BinaryPrimitives.ReadInt32LittleEndian(prefix.AsSpan(FrameLayout.LengthOffset));
            byte[] frame = new byte[FrameLayout.FrameBytes(length)];
            prefix.CopyTo(frame, 0);
            await RawWire.ReadExactlyAsync(from, frame.AsMemory(prefix.Length), CancellationToken.None);
            if (_rewrite!(way, index, frame) is not { } replacement)
            {
                return false;
            }

            foreach (byte[] bytes in replacement)
            {
                await PassAsync(to, ConnectionKind.Data, way, bytes);
            }
        }
    }

    private async Task PassAsync(Socket to, ConnectionKind kind, Way way, ReadOnlyMemory<byte> bytes)
    {
        MemoryStream record = Recorded.GetOrAdd((kind, way), _ => new MemoryStream());
        lock (record)
        {
            record.Write(bytes.Span);
        }

        await RawWire.WriteAsync(to, bytes, CancellationToken.None);
    }
}
