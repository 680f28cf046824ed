using System.Runtime.InteropServices;

namespace NativeSplit.PlacementBench;

/// <summary>Time that this thread was given a processor, in ns: other work on the machine doesn't count. Linux only.</summary>
internal sealed partial class ThreadClock : TimeProvider
{
    private const int ThreadCpuTime = 3;

    public override long TimestampFrequency => 1_000_000_000;

    public override long GetTimestamp() => clock_gettime(ThreadCpuTime, out TimeSpec now) == 0
        ? (now.Seconds * TimestampFrequency) + now.Nanoseconds
        : throw new PlatformNotSupportedException("The processor time of a thread can't be read here; run without --thread-time.");

    [LibraryImport("libc")]
    private static partial int clock_gettime(int clock, out TimeSpec now);

    [StructLayout(LayoutKind.Sequential)]
    private struct TimeSpec
    {
        public long Seconds;
        public long Nanoseconds;
    }
}
