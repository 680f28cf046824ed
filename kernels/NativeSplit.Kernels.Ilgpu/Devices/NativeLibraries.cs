using System.Reflection;
using System.Runtime.InteropServices;
using ILGPU;

namespace NativeSplit.Kernels.Ilgpu.Devices;

/// <summary>Finds the drivers' libraries. ILGPU asks for <c>OpenCL</c> and <c>cuda</c>; on Linux without development packages only the versioned names exist.</summary>
internal static class NativeLibraries
{
    private static readonly Lazy<bool> Registered = new(() =>
    {
        if (OperatingSystem.IsLinux())
        {
            NativeLibrary.SetDllImportResolver(typeof(Context).Assembly, Resolve);
        }

        return true;
    });

    /// <summary>Makes ILGPU find the libraries; needed once, before anything else of ILGPU.</summary>
    public static void Register() => _ = Registered.Value;

    /// <summary>True when the driver's library can be loaded.</summary>
    /// <param name="kind">The driver.</param>
    /// <param name="library">The file that was looked for.</param>
    public static bool IsPresent(DeviceKind kind, out string library)
    {
        library = FileOf(kind);
        return library.Length == 0 || NativeLibrary.TryLoad(library, out _);
    }

    private static string FileOf(DeviceKind kind) => kind switch
    {
        DeviceKind.Cuda => OperatingSystem.IsWindows() ? "nvcuda.dll" : "libcuda.so.1",
        DeviceKind.OpenCL => OperatingSystem.IsWindows() ? "OpenCL.dll" : "libOpenCL.so.1",
        _ => string.Empty,
    };

    // Zero makes the runtime go on with its own search, which then reports what it misses.
    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? path)
    {
        string? file = name switch
        {
            "OpenCL" => FileOf(DeviceKind.OpenCL),
            "cuda" => FileOf(DeviceKind.Cuda),
            _ => null,
        };
        return file is not null && NativeLibrary.TryLoad(file, out nint handle) ? handle : 0;
    }
}
