using System.Buffers;
using System.Diagnostics;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;

namespace NativeSplit.Transport.Pipes;

/// <summary>Pipe reader straight on a connection. The unread bytes always lie in one piece, in a pinned, aligned, writable buffer. One user at a time.</summary>
/// <remarks>
/// No pump and no copy, save that the start of an unfinished frame moves to the front when the buffer's end is reached. What was
/// consumed is always a multiple of 64 bytes on a link, so a frame's first byte is 64-byte aligned.
/// A cancelled read loses no byte: the next one goes on where it stopped.
/// </remarks>
/// <param name="connection">The connection; borrowed.</param>
/// <param name="ceilingBytes">Most bytes a caller may ask for in one piece.</param>
/// <param name="spin">How long to look for bytes before the thread is given back.</param>
internal sealed class ConnectionPipeReader(Connection connection, int ceilingBytes, TimeSpan spin = default) : PipeReader
{
    /// <summary>Bytes of the buffer of a fresh link.</summary>
    public const int InitialBytes = 64 << 10;

    private readonly long _spinTicks = (long)(spin.TotalSeconds * Stopwatch.Frequency);
    private readonly PinnedBuffer _buffer = new(InitialBytes, ceilingBytes);
    private int _start;
    private int _end;
    private int _examined;
    private bool _ended;
    private bool _completed;

    /// <inheritdoc/>
    public override bool TryRead(out ReadResult result)
    {
        ObjectDisposedException.ThrowIf(_completed, this);
        bool any = _end > _examined || _ended;
        result = any ? Result() : default;
        return any;
    }

    /// <inheritdoc/>
    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default) =>
        TryRead(out ReadResult result)
            ? new ValueTask<ReadResult>(result)
            : ReceiveAsync(_end - _start + 1, cancellationToken);

    /// <inheritdoc/>
    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    /// <inheritdoc/>
    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        int start = consumed.GetInteger() - _buffer.Origin;
        ArgumentOutOfRangeException.ThrowIfLessThan(start, _start, nameof(consumed));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(start, _end, nameof(consumed));
        _start = start;
        _examined = Math.Max(start, examined.GetInteger() - _buffer.Origin);
        if (_start == _end)
        {
            _start = _end = _examined = 0;
        }
    }

    /// <summary>Not supported: a read is cancelled by its token.</summary>
    public override void CancelPendingRead() => throw new NotSupportedException("Cancel a read by its token.");

    /// <inheritdoc/>
    public override void Complete(Exception? exception = null)
    {
        _completed = true;
        _start = _end = _examined = 0;
        _buffer.Free();
    }

    /// <inheritdoc/>
    protected override ValueTask<ReadResult> ReadAtLeastAsyncCore(int minimumSize, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_completed, this);
        return _end - _start >= minimumSize || _ended
            ? new ValueTask<ReadResult>(Result())
            : ReceiveAsync(minimumSize, cancellationToken);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<ReadResult> ReceiveAsync(int minimum, CancellationToken cancellationToken)
    {
        while (_end - _start < minimum && !_ended)
        {
            MakeRoom(minimum);
            Spin();
            int received = await connection.ReceiveAsync(Room(minimum), cancellationToken).ConfigureAwait(false);
            _end += received;
            _ended = received == 0;
        }

        return Result();
    }

    private void Spin()
    {
        if (_spinTicks > 0)
        {
            long end = Stopwatch.GetTimestamp() + _spinTicks;
            while (!connection.HasReceived && Stopwatch.GetTimestamp() < end)
            {
                Thread.SpinWait(20);
            }
        }
    }

    // Of large frames no byte is taken in before its turn: the start of the next one, taken in with the end of this, would have to be moved, and
    // a buffer that is always used from its front stays in the processor's caches.
    private Memory<byte> Room(int minimum) => _buffer.Memory[_end..Math.Min(_buffer.Capacity, _start + Math.Max(minimum, InitialBytes))];

    private void MakeRoom(int minimum)
    {
        if (_buffer.Capacity - _start >= minimum)
        {
            return;
        }

        if (_buffer.Capacity < minimum)
        {
            _buffer.Grow(minimum, _start.._end);
        }
        else
        {
            Span<byte> bytes = _buffer.Memory.Span;
            bytes[_start.._end].CopyTo(bytes);
        }

        _end -= _start;
        _examined = Math.Max(0, _examined - _start);
        _start = 0;
    }

    private ReadResult Result() => new(new ReadOnlySequence<byte>(_buffer.Memory[_start.._end]), isCanceled: false, isCompleted: _ended);
}
