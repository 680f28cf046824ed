using System.Globalization;

namespace NativeSplit.Cluster.Capacity;

/// <summary>Memory that this process could still take.</summary>
public static class MachineMemory
{
    private const string Cgroup = "/sys/fs/cgroup";

    /// <summary>Bytes that can be had without swapping: what the system has available, and what the control group still allows, whichever is less.</summary>
    public static long AvailableBytes()
    {
        long system = ReadMeminfo() ?? GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        return ReadNumber(Path.Combine(Cgroup, "memory.max")) is { } limit && ReadNumber(Path.Combine(Cgroup, "memory.current")) is { } used
            ? Math.Min(system, Math.Max(0, limit - used))
            : system;
    }

    private static long? ReadMeminfo()
    {
        const string name = "MemAvailable:";
        try
        {
            foreach (string line in File.ReadLines("/proc/meminfo"))
            {
                if (line.StartsWith(name, StringComparison.Ordinal)
                    && long.TryParse(line[name.Length..].Replace("kB", string.Empty, StringComparison.Ordinal), NumberStyles.AllowLeadingWhite | NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture, out long kibibytes))
                {
                    return kibibytes << 10;
                }
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Not a Linux: the runtime's own figure stands.
        }

        return null;
    }

    // "max" and a missing file both mean that there is no limit.
    private static long? ReadNumber(string file)
    {
        try
        {
            return long.TryParse(File.ReadAllText(file), NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture, out long value) ? value : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
