using System.Reflection;
using System.Runtime.InteropServices;

namespace NativeSplit.Placement.Z3.Interop;

/// <summary>Finds the Z3 library: the file that <see cref="Variable"/> names, else the system's, else the one that the package brings.</summary>
internal static class Z3Library
{
    /// <summary>Environment variable that names the library's file.</summary>
    public const string Variable = "NATIVESPLIT_Z3";

    private static readonly Lazy<Found> State = new(Find);

    /// <summary>Why Z3 can't be used, and how to install it; null when it can.</summary>
    public static string? Missing => State.Value.Missing;

    /// <summary>Version, as "4.8.12"; empty when missing.</summary>
    public static string Version => State.Value.Version;

    /// <summary>Loads a library by the first name that works.</summary>
    internal static (nint Handle, string? Missing) Load(string? named)
    {
        string[] names = named is { Length: > 0 } ? [named]
            : OperatingSystem.IsLinux() ? ["libz3.so.4", "libz3.so"]
            : OperatingSystem.IsMacOS() ? ["libz3.dylib"]
            : ["libz3.dll", "libz3"];
        foreach (string name in names)
        {
            if (NativeLibrary.TryLoad(name, typeof(Z3Library).Assembly, null, out nint handle))
            {
                return (handle, null);
            }
        }

        string looked = named is { Length: > 0 } ? $"{Variable} names {named}, which can't be loaded" : $"none of {string.Join(", ", names)} can be loaded";
        return (0, $"Z3 isn't installed: {looked}. Install it (Debian, Ubuntu: apt-get install libz3-4; Fedora: dnf install z3-libs; macOS: brew install z3), or name the file in {Variable}.");
    }

    private static Found Find()
    {
        (nint handle, string? missing) = Load(Environment.GetEnvironmentVariable(Variable));
        if (missing is not null)
        {
            return new Found(missing, string.Empty);
        }

        NativeLibrary.SetDllImportResolver(typeof(Z3Library).Assembly, (string name, Assembly _, DllImportSearchPath? _) => name == Z3Native.Library ? handle : 0);
        try
        {
            Z3Native.Z3_get_version(out uint major, out uint minor, out uint build, out _);
            return new Found(null, $"{major}.{minor}.{build}");
        }
        catch (EntryPointNotFoundException e)
        {
            return new Found($"The library that was found isn't Z3: {e.Message}", string.Empty);
        }
    }

    private sealed record Found(string? Missing, string Version);
}
