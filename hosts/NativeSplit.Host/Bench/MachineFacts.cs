using System.Globalization;

namespace NativeSplit.Host.Bench;

/// <summary>What Linux tells about the machine and this process. Elsewhere the answer is null, and a report says so.</summary>
internal static class MachineFacts
{
    /// <summary>Name of the processor.</summary>
    public static string? Processor => Field("/proc/cpuinfo", "model name");

    /// <summary>Processes that ran or waited over the last minute, this one included.</summary>
    public static string? LoadAverage => Read("/proc/loadavg")?.Split(' ')[0];

    /// <summary>Most memory this process has had in RAM since <see cref="ResetPeakMemory"/>, mapped files included.</summary>
    public static long? PeakMemoryBytes =>
        Field("/proc/self/status", "VmHWM") is { } text && long.TryParse(text.Split(' ')[0], NumberStyles.None, CultureInfo.InvariantCulture, out long kib) ? kib * 1024 : null;

    /// <summary>Starts the peak anew. Without the right to, the peak stays that of the whole process.</summary>
    public static void ResetPeakMemory()
    {
        try
        {
            File.WriteAllText("/proc/self/clear_refs", "5");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // No such file, or a kernel that keeps it shut: the larger figure is then reported.
        }
    }

    private static string? Field(string file, string name)
    {
        string? line = Read(file)?.Split('\n').FirstOrDefault(line => line.StartsWith(name, StringComparison.Ordinal));
        return line?[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim();
    }

    private static string? Read(string file)
    {
        try
        {
            return File.ReadAllText(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
