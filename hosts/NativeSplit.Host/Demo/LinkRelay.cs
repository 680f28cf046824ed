using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;

namespace NativeSplit.Host.Demo;

/// <summary>Stands between a worker and the gateway like a bad line: holds every byte back for a while. It sees sealed bytes only.</summary>
internal sealed class LinkRelay : IAsyncDisposable
{
    private const int PieceBytes = 64 << 10;
    private const int PiecesInFlight = 64;

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly IPEndPoint _target;
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<Socket, Task> _connections = new();
    private readonly Task _accepting;
    private long _delayTicks;

    /// <summary>Starts to relay.</summary>
    /// <param name="target">Where to.</param>
    public LinkRelay(IPEndPoint target)
    {
        _target = target;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    /// <summary>Port that it listens at.</summary>
    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>Delay of each way. Bytes on their way keep the one that they set out with.</summary>
    public TimeSpan Delay
    {
        get => new(Interlocked.Read(ref _delayTicks));
        set => Interlocked.Exchange(ref _delayTicks, value.Ticks);
    }

    /// <summary>Cuts the connections that are open now. New ones are relayed.</summary>
    public void Cut()
    {
        foreach (Socket near in _connections.Keys)
        {
            near.Dispose();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Dispose();
        await _accepting;
        await Task.WhenAll(_connections.Values);
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                Socket near = await _listener.AcceptSocketAsync(_stop.Token);
                _connections[near] = RelayAsync(near);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // Stopping.
        }
    }

    private async Task RelayAsync(Socket near)
    {
        await Task.Yield();
        using var far = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        near.NoDelay = true;
        using (near)
        {
            try
            {
                await far.ConnectAsync(_target, _stop.Token);

                // When one way ends the other does too: a line that is cut is cut.
                await Task.WhenAny(CarryAsync(near, far), CarryAsync(far, near));
            }
            catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
            {
                // The gateway is gone, or this is.
            }
            finally
            {
                _connections.TryRemove(near, out _);
            }
        }
    }

    private async Task CarryAsync(Socket from, Socket to)
    {
        var line = Channel.CreateBounded<(byte[] Bytes, long Due)>(PiecesInFlight);
        Task delivering = DeliverAsync(line.Reader, to);
        try
        {
            byte[] buffer = new byte[PieceBytes];
            int count;
            while ((count = await from.ReceiveAsync(buffer, _stop.Token)) > 0)
            {
                await line.Writer.WriteAsync((buffer[..count], DateTime.UtcNow.Ticks + Delay.Ticks), _stop.Token);
            }
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // Cut.
        }

        line.Writer.TryComplete();
        await delivering;
    }

    private async Task DeliverAsync(ChannelReader<(byte[] Bytes, long Due)> line, Socket to)
    {
        try
        {
            await foreach ((byte[] bytes, long due) in line.ReadAllAsync(_stop.Token))
            {
                TimeSpan wait = new(due - DateTime.UtcNow.Ticks);
                if (wait > TimeSpan.Zero)
                {
                    await Task.Delay(wait, _stop.Token);
                }

                for (int sent = 0; sent < bytes.Length;)
                {
                    sent += await to.SendAsync(bytes.AsMemory(sent), _stop.Token);
                }
            }
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // Cut.
        }
    }
}
