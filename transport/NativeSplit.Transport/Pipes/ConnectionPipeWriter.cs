using System.IO.Pipelines;
using System.Runtime.CompilerServices;

namespace NativeSplit.Transport.Pipes;

/// <summary>Pipe writer straight on a connection: what is written is sent from the very buffer it was written to. One user at a time.</summary>
/// <remarks>
/// No pump and no copy: <see cref="FlushAsync"/> is the send, so back-pressure is the socket's. Bytes of a flush that failed or was
/// cancelled may be on their way in part; the connection is then of no more use.
/// </remarks>
/// <param name="connection">The connection; borrowed.</param>
/// <param name="ceilingBytes">Most bytes between two flushes.</param>
internal sealed class ConnectionPipeWriter(Connection connection, int ceilingBytes) : PipeWriter
{
    /// <summary>Bytes of the buffer of a fresh link.</summary>
    public const int InitialBytes = 64 << 10;

    private readonly PinnedBuffer _buffer = new(InitialBytes, ceilingBytes);
    private int _length;
    private bool _completed;

    /// <inheritdoc/>
    public override bool CanGetUnflushedBytes => true;

    /// <inheritdoc/>
    public override long UnflushedBytes => _length;

    /// <inheritdoc/>
    public override Memory<byte> GetMemory(int sizeHint = 0)
    {
        ObjectDisposedException.ThrowIf(_completed, this);
        int needed = Math.Max(sizeHint, 1);
        if (_buffer.Capacity - _length < needed)
        {
            _buffer.Grow(checked(_length + needed), .._length);
        }

        return _buffer.Memory[_length..];
    }

    /// <inheritdoc/>
    public override Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    /// <inheritdoc/>
    public override void Advance(int bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bytes, _buffer.Capacity - _length);
        _length += bytes;
    }

    /// <inheritdoc/>
    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        int length = _length;
        _length = 0;
        if (length == 0)
        {
            return new ValueTask<FlushResult>(new FlushResult(isCanceled: false, isCompleted: _completed));
        }

        ValueTask<int> sending = connection.SendAsync(_buffer.Memory[..length], cancellationToken);
        if (sending.IsCompletedSuccessfully)
        {
            int sent = sending.GetAwaiter().GetResult();
            return sent == length ? default : FinishAsync(new ValueTask<int>(sent), length, cancellationToken);
        }

        return FinishAsync(sending, length, cancellationToken);
    }

    /// <summary>Not supported: bytes that are on the wire can't be taken back.</summary>
    public override void CancelPendingFlush() => throw new NotSupportedException("Bytes on the wire can't be taken back; close the socket instead.");

    /// <inheritdoc/>
    public override void Complete(Exception? exception = null)
    {
        _completed = true;
        _length = 0;
        _buffer.Free();
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<FlushResult> FinishAsync(ValueTask<int> sending, int length, CancellationToken cancellationToken)
    {
        int sent = await sending.ConfigureAwait(false);
        while (sent < length)
        {
            sent += await connection.SendAsync(_buffer.Memory[sent..length], cancellationToken).ConfigureAwait(false);
        }

        return default;
    }
}
