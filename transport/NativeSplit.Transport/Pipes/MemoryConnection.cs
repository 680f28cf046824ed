using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;

namespace NativeSplit.Transport.Pipes;

/// <summary>One end of a connection in memory. It behaves as a socket does: back-pressure, half-close, reset when the other end is gone.</summary>
internal sealed class MemoryConnection : Connection
{
    private readonly MemoryChannel _incoming;
    private readonly MemoryChannel _outgoing;

    private MemoryConnection(EndPoint remote, MemoryChannel incoming, MemoryChannel outgoing)
    {
        (RemoteEndPoint, _incoming, _outgoing) = (remote, incoming, outgoing);
    }

    /// <inheritdoc/>
    public override EndPoint RemoteEndPoint { get; }

    /// <summary>Makes both ends.</summary>
    /// <param name="address">What both name as the other end.</param>
    /// <param name="capacity">Bytes on their way, in each direction.</param>
    public static (MemoryConnection Near, MemoryConnection Far) Pair(EndPoint address, int capacity = 256 << 10)
    {
        var there = new MemoryChannel(capacity);
        var back = new MemoryChannel(capacity);
        return (new MemoryConnection(address, back, there), new MemoryConnection(address, there, back));
    }

    /// <inheritdoc/>
    public override bool HasReceived => _incoming.HasBytes;

    /// <inheritdoc/>
    public override ValueTask<int> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken) => _incoming.ReadAsync(buffer, cancellationToken);

    /// <inheritdoc/>
    public override ValueTask<int> SendAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken) => _outgoing.WriteAsync(buffer, cancellationToken);

    /// <inheritdoc/>
    public override void Shutdown(SocketShutdown how)
    {
        if (how != SocketShutdown.Receive)
        {
            _outgoing.EndWriting();
        }

        if (how != SocketShutdown.Send)
        {
            _incoming.EndWriting();
        }
    }

    /// <inheritdoc/>
    public override void DiscardReceived()
    {
        // Unread bytes do no harm here: nothing is reset by them.
    }

    /// <inheritdoc/>
    public override void KeepUnsentShort()
    {
        // The channel itself is short.
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        _outgoing.EndWriting();
        _outgoing.Close(byWriter: true);
        _incoming.Close(byWriter: false);
    }

    /// <summary>One direction: a ring of bytes with one reader and one writer.</summary>
    [SuppressMessage("Reliability", "CA1001", Justification = "A SemaphoreSlim whose wait handle is never asked for holds nothing to free.")]
    private sealed class MemoryChannel(int capacity)
    {
        private readonly Lock _gate = new();
        private readonly SemaphoreSlim _readable = new(0, 1);
        private readonly SemaphoreSlim _writable = new(0, 1);
        private byte[] _ring = [];
        private int _start;
        private int _count;
        private bool _ended;
        private bool _writerClosed;
        private bool _readerClosed;

        public bool HasBytes
        {
            get
            {
                lock (_gate)
                {
                    return _count > 0;
                }
            }
        }

        public async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken)
        {
            while (true)
            {
                if (TryRead(buffer.Span) is { } read)
                {
                    return read;
                }

                await _readable.WaitAsync(cancellationToken).ConfigureAwait(false);
            }
        }

        public async ValueTask<int> WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken)
        {
            cancellationToken.ThrowIfCancellationRequested();
            while (true)
            {
                if (TryWrite(buffer.Span) is > 0 and int written)
                {
                    return written;
                }

                await _writable.WaitAsync(cancellationToken).ConfigureAwait(false);
            }
        }

        /// <summary>What was written can still be read; then the stream ends.</summary>
        public void EndWriting()
        {
            lock (_gate)
            {
                _ended = true;
                Wake(_readable);
                Wake(_writable);
            }
        }

        /// <summary>One side is gone: its own operations fail, and writes to a reader that is gone.</summary>
        public void Close(bool byWriter)
        {
            lock (_gate)
            {
                _writerClosed |= byWriter;
                _readerClosed |= !byWriter;
                Wake(_readable);
                Wake(_writable);
            }
        }

        // Null: nothing there yet.
        private int? TryRead(Span<byte> buffer)
        {
            lock (_gate)
            {
                ObjectDisposedException.ThrowIf(_readerClosed, typeof(MemoryConnection));
                if (_count == 0)
                {
                    return _ended ? 0 : null;
                }

                int read = Math.Min(buffer.Length, _count);
                int first = Math.Min(read, capacity - _start);
                _ring.AsSpan(_start, first).CopyTo(buffer);
                _ring.AsSpan(0, read - first).CopyTo(buffer[first..]);
                (_start, _count) = ((_start + read) % capacity, _count - read);
                Wake(_writable);
                return read;
            }
        }

        private int TryWrite(ReadOnlySpan<byte> buffer)
        {
            lock (_gate)
            {
                ObjectDisposedException.ThrowIf(_writerClosed, typeof(MemoryConnection));
                if (_readerClosed || _ended)
                {
                    throw new SocketException((int)(_readerClosed ? SocketError.ConnectionReset : SocketError.Shutdown));
                }

                if (_ring.Length == 0)
                {
                    _ring = new byte[capacity];
                }

                int written = Math.Min(buffer.Length, capacity - _count);
                int at = (_start + _count) % capacity;
                int first = Math.Min(written, capacity - at);
                buffer[..first].CopyTo(_ring.AsSpan(at));
                buffer[first..written].CopyTo(_ring);
                _count += written;
                Wake(_readable);
                return written;
            }
        }

        // Under the gate, so it never counts past one. Who is woken looks again, and may find that another was meant.
        private static void Wake(SemaphoreSlim signal)
        {
            if (signal.CurrentCount == 0)
            {
                signal.Release();
            }
        }
    }
}
