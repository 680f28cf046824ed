using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;

namespace NativeSplit.Host.Demo;

/// <summary>Slows a process down, as a busy machine would: it runs for a moment and stands still for some more, over and over.</summary>
/// <remarks>A shell sends the signals: .NET has no way to send them that needs no unsafe code.</remarks>
internal sealed class ProcessBrake : IAsyncDisposable
{
    private const double RunSeconds = 0.004;
    private const double StandSeconds = 0.028;

    private readonly int _process;
    private readonly Process _shell;

    /// <summary>Pulls the brake.</summary>
    /// <param name="process">Id of the process.</param>
    /// <exception cref="UsageException">This system has no shell or no signals to do it with.</exception>
    public ProcessBrake(int process)
    {
        _process = process;
        _shell = Shell(string.Create(CultureInfo.InvariantCulture, $"while kill -STOP {process} && sleep {StandSeconds} && kill -CONT {process}; do sleep {RunSeconds}; done"));
    }

    /// <summary>How much slower the process is meant to be.</summary>
    public static string Factor => ((RunSeconds + StandSeconds) / RunSeconds).ToString("0", CultureInfo.InvariantCulture);

    public async ValueTask DisposeAsync()
    {
        using (_shell)
        {
            _shell.Kill(entireProcessTree: true);
            await _shell.WaitForExitAsync();
        }

        using Process release = Shell(string.Create(CultureInfo.InvariantCulture, $"kill -CONT {_process}"));
        await release.WaitForExitAsync();
    }

    private static Process Shell(string script)
    {
        try
        {
            return Process.Start(new ProcessStartInfo("/bin/sh", ["-c", script]) { RedirectStandardError = true, RedirectStandardOutput = true })!;
        }
        catch (Win32Exception e)
        {
            throw new UsageException($"The adaptive demo slows a process down by signals from /bin/sh, which can't be started: {e.Message}");
        }
    }
}
