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
}
