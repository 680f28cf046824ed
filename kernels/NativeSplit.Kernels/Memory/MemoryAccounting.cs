namespace NativeSplit.Kernels.Memory;

/// <summary>Bytes outside the managed heap that this process holds through <see cref="MemoryRegion"/>.</summary>
/// <remarks>Counts what callers asked for, not the rounding to pages or alignment. Safe for any thread.</remarks>
public static class MemoryAccounting
{
    private static long _live;
    private static long _mapped;

    /// <summary>Bytes allocated and not yet released.</summary>
    public static long LiveBytes => Volatile.Read(ref _live);

    /// <summary>Bytes of files mapped and not yet released.</summary>
    public static long MappedBytes => Volatile.Read(ref _mapped);

    internal static void AddLive(long bytes) => Interlocked.Add(ref _live, bytes);

    internal static void AddMapped(long bytes) => Interlocked.Add(ref _mapped, bytes);
}
