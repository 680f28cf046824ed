using System.Runtime.InteropServices;

namespace NativeSplit.Kernels.Interop;

/// <summary>The C library of Linux; names as there.</summary>
internal static partial class Libc
{
    /// <summary><c>sys/mman.h</c>.</summary>
    internal const int MADV_DONTNEED = 4;

    /// <summary><c>sys/mman.h</c>.</summary>
    internal const int MADV_HUGEPAGE = 14;

    /// <summary>Advice on how pages will be used; <c>madvise(2)</c>.</summary>
    [LibraryImport("libc")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    internal static partial int madvise(nint address, nuint length, int advice);

    /// <summary>Processors that a thread may run on; <c>sched_getaffinity(2)</c>. Thread 0 is the caller.</summary>
    [LibraryImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    internal static unsafe partial int sched_getaffinity(int thread, nuint bytes, byte* mask);

    /// <summary>Binds a thread to processors; <c>sched_setaffinity(2)</c>. Thread 0 is the caller.</summary>
    [LibraryImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    internal static unsafe partial int sched_setaffinity(int thread, nuint bytes, byte* mask);
}
