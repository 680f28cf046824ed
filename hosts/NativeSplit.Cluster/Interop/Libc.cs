using System.ComponentModel;
using System.Runtime.InteropServices;
using System.Text;

namespace NativeSplit.Cluster.Interop;

/// <summary>The C library; names as there.</summary>
internal static class Libc
{
    private const int O_RDONLY = 0;

    /// <summary>Waits until the names in a folder are on the disk: a renamed file survives a loss of power only then. Nothing to do on Windows.</summary>
    /// <remarks><c>fsync(2)</c>: "Calling fsync() does not necessarily ensure that the entry in the directory containing the file has also reached disk."</remarks>
    /// <exception cref="IOException">The system can't.</exception>
    public static void FlushFolder(string folder)
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        int descriptor = open(Encoding.UTF8.GetBytes(folder + "\0"), O_RDONLY);
        if (descriptor < 0)
        {
            throw Failure(folder);
        }

        try
        {
            if (fsync(descriptor) != 0)
            {
                throw Failure(folder);
            }
        }
        finally
        {
            _ = close(descriptor);
        }
    }

    private static IOException Failure(string folder) => new($"{folder} can't be written to the disk: {new Win32Exception(Marshal.GetLastPInvokeError()).Message}.");

    [DllImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int open(byte[] path, int flags);

    [DllImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int fsync(int descriptor);

    [DllImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int close(int descriptor);
}
