using NativeSplit.Transport.Frames;

namespace NativeSplit.Transport.Links;

/// <summary>Credit that the receiving half of a link gives for bulk frames: a window beyond what its owner is done with.</summary>
/// <remarks>
/// The initial credit is known to both ends. Afterwards credit is told when a quarter of the window can be given anew, so its frames are few, and
/// never so late that a sender with the longest frame in hand waits for ever: the least window holds two of those.
/// <see cref="Return"/> is safe from any thread; the others are for who receives.
/// </remarks>
/// <param name="windowBytes">The window, from <see cref="FrameLayout.InitialBulkCredit"/>.</param>
/// <param name="sender">Tells the peer.</param>
internal sealed class BulkWindow(int windowBytes, FrameSender sender)
{
    private readonly Lock _gate = new();
    private ulong _received;
    private ulong _returned;
    private ulong _granted = FrameLayout.InitialBulkCredit;
    private int _lent;

    /// <summary>A bulk frame has come. False when it overdraws the credit.</summary>
    /// <param name="frameBytes">Bytes of the whole frame.</param>
    public bool TryTake(int frameBytes)
    {
        _lent = frameBytes;
        lock (_gate)
        {
            _received += (uint)frameBytes;
            return _received <= _granted;
        }
    }

    /// <summary>The owner receives on: what was lent to it counts as done with, unless it holds it.</summary>
    public void Consume()
    {
        if (Hold() is > 0 and int frameBytes)
        {
            Return(frameBytes);
        }
    }

    /// <summary>Keeps back the credit of the frame that is lent now.</summary>
    /// <returns>Bytes to return; 0 when the frame lent isn't bulk or is held already.</returns>
    public int Hold()
    {
        int frameBytes = _lent;
        _lent = 0;
        return frameBytes;
    }

    /// <summary>The owner is done with frames of so many bytes.</summary>
    /// <exception cref="ArgumentOutOfRangeException">More than is held.</exception>
    public void Return(int frameBytes)
    {
        ulong total;
        lock (_gate)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(frameBytes);
            ArgumentOutOfRangeException.ThrowIfGreaterThan((ulong)frameBytes, _received - _returned, nameof(frameBytes));
            _returned += (uint)frameBytes;
            total = _returned + (uint)windowBytes;
            if (total < _granted + ((uint)windowBytes / 4))
            {
                return;
            }

            _granted = total;
        }

        sender.GiveCredit(total);
    }
}
