using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;

namespace NativeSplit.Testing;

/// <summary>A TCP relay in this process that passes everything on a fixed time later, each way: a long road without a network emulator. Bandwidth isn't limited.</summary>
public sealed class DelayRelay : IAsyncDisposable
{
    private const int PieceBytes = 64 << 10;
    private const int PiecesOnTheWay = 1024;

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly IPEndPoint _target;
    private readonly TimeSpan _delay;
    private readonly ConcurrentBag<Socket> _sockets = [];
    private readonly CancellationTokenSource _stop = new();

    /// <summary>Starts to relay.</summary>
    /// <param name="target">Where connections go.</param>
    /// <param name="delay">Time each byte takes, one way, at least.</param>
    public DelayRelay(IPEndPoint target, TimeSpan delay)
    {
        (_target, _delay) = (target, delay);
        _listener.Start();
        _ = AcceptAsync();
    }

    /// <summary>Where to connect.</summary>
    public IPEndPoint EndPoint => (IPEndPoint)_listener.LocalEndpoint;

    /// <summary>Ends the relay and every connection through it.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        _listener.Dispose();
        foreach (Socket socket in _sockets)
        {
            socket.Dispose();
        }

        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                Socket near = await _listener.AcceptSocketAsync(_stop.Token).ConfigureAwait(false);
                _sockets.Add(near);
                _ = ServeAsync(near);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            // Disposed.
        }
    }

    private async Task ServeAsync(Socket near)
    {
        var far = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        near.NoDelay = true;
        _sockets.Add(far);
        try
        {
            await far.ConnectAsync(_target, _stop.Token).ConfigureAwait(false);
            await Task.WhenAll(PassAsync(near, far), PassAsync(far, near)).ConfigureAwait(false);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            near.Dispose();
            far.Dispose();
        }
    }

    private Task PassAsync(Socket from, Socket to)
    {
        var road = Channel.CreateBounded<(long Due, byte[] Bytes)>(PiecesOnTheWay);
        return Task.WhenAll(TakeAsync(from, road.Writer), GiveAsync(road.Reader, to));
    }

    // An empty piece is the end of the stream; it takes as long as all others.
    private async Task TakeAsync(Socket from, ChannelWriter<(long, byte[])> road)
    {
        byte[] buffer = new byte[PieceBytes];
        int received;
        do
        {
            received = await from.ReceiveAsync(buffer, SocketFlags.None, _stop.Token).ConfigureAwait(false);
            long due = Stopwatch.GetTimestamp() + (long)(_delay.TotalSeconds * Stopwatch.Frequency);
            await road.WriteAsync((due, buffer[..received]), _stop.Token).ConfigureAwait(false);
        }
        while (received > 0);
    }

    private async Task GiveAsync(ChannelReader<(long Due, byte[] Bytes)> road, Socket to)
    {
        while (true)
        {
            (long due, byte[] bytes) = await road.ReadAsync(_stop.Token).ConfigureAwait(false);
            while (Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), due) is { Ticks: > 0 } wait)
            {
                await Task.Delay(wait + TimeSpan.FromMilliseconds(1), _stop.Token).ConfigureAwait(false);
            }

            if (bytes.Length == 0)
            {
                to.Shutdown(SocketShutdown.Send);
                return;
            }

            for (int sent = 0; sent < bytes.Length;)
            {
                sent += await to.SendAsync(bytes.AsMemory(sent), SocketFlags.None, _stop.Token).ConfigureAwait(false);
            }
        }
    }
}
