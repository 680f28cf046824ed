using System.Diagnostics;
using System.Runtime.InteropServices;

namespace NativeSplit.Kernels.Threading;

/// <summary>Where one thread waits for a counter: first spinning, then parked in the kernel.</summary>
/// <remarks>
/// No wake-up is lost: the waiter announces that it parks, then looks once more; the waker changes the counter, then
/// looks for the announcement. Both steps are full fences, so at least one of the two sees the other.
/// </remarks>
internal sealed class ParkingSpot(long spinTicks) : IDisposable
{
    private readonly AutoResetEvent _signal = new(initialState: false);
    private PaddedInt _parked;

    /// <summary>Waits until the counter has a value. One thread at a time.</summary>
    public void WaitUntil(ref int counter, int value)
    {
        if (Volatile.Read(ref counter) == value || Spin(ref counter, value))
        {
            return;
        }

        while (true)
        {
            Interlocked.Exchange(ref _parked.Value, 1);
            if (Volatile.Read(ref counter) == value)
            {
                // Too late to sleep. If the waker has taken the announcement, its signal must be used up.
                if (Interlocked.Exchange(ref _parked.Value, 0) == 0)
                {
                    _signal.WaitOne();
                }

                return;
            }

            _signal.WaitOne();
            if (Volatile.Read(ref counter) == value)
            {
                return;
            }
        }
    }

    /// <summary>Wakes the waiter if it is parked. Call after the counter was changed by an interlocked operation.</summary>
    public void Wake()
    {
        if (Volatile.Read(ref _parked.Value) != 0 && Interlocked.Exchange(ref _parked.Value, 0) != 0)
        {
            _signal.Set();
        }
    }

    public void Dispose() => _signal.Dispose();

    private bool Spin(ref int counter, int value)
    {
        if (spinTicks == 0)
        {
            return false;
        }

        long end = Stopwatch.GetTimestamp() + spinTicks;
        do
        {
            Thread.SpinWait(2);
            if (Volatile.Read(ref counter) == value)
            {
                return true;
            }
        }
        while (Stopwatch.GetTimestamp() < end);
        return false;
    }
}

/// <summary>A counter alone on its cache line, so that threads that spin on one don't slow writers of another.</summary>
[StructLayout(LayoutKind.Explicit, Size = 192)]
internal struct PaddedInt
{
    [FieldOffset(64)]
    public int Value;
}
