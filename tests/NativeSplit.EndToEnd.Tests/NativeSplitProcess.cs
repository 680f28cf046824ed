using System.Diagnostics;
using System.Text;
using NativeSplit.Host;
using NativeSplit.Testing;

namespace NativeSplit.EndToEnd.Tests;

/// <summary>The program as a user starts it: a real process, its output kept. Killed at the end if it still runs.</summary>
internal sealed class NativeSplitProcess : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private readonly Process _process;
    private readonly StringBuilder _output = new();
    private readonly StringBuilder _error = new();
    private readonly Lock _gate = new();
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private NativeSplitProcess(Process process)
    {
        _process = process;
        process.OutputDataReceived += (_, line) => Keep(_output, line.Data);
        process.ErrorDataReceived += (_, line) => Keep(_error, line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    public static string Shipped { get; } = TestData.ModelPath("roadside-1.6m-q8_0.gguf");

    public string Output => Read(_output);

    public string Error => Read(_error);

    public int Id => _process.Id;

    public static NativeSplitProcess Start(params ReadOnlySpan<string> arguments) => Start(new Dictionary<string, string>(), arguments);

    public static NativeSplitProcess Start(IReadOnlyDictionary<string, string> environment, params ReadOnlySpan<string> arguments)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        start.ArgumentList.Add(typeof(ExitCode).Assembly.Location);
        foreach (string argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        foreach ((string name, string value) in environment)
        {
            start.Environment[name] = value;
        }

        return new NativeSplitProcess(Process.Start(start)!);
    }

    /// <summary>Runs to the end.</summary>
    public static async Task<Finished> RunAsync(params string[] arguments)
    {
        await using NativeSplitProcess process = Start(arguments);
        process._process.StandardInput.Close();
        return await process.EndAsync();
    }

    /// <summary>Waits for the end.</summary>
    public async Task<Finished> EndAsync(TimeSpan? wait = null)
    {
        using var patience = new CancellationTokenSource(wait ?? Patience);
        await _process.WaitForExitAsync(patience.Token);
        return new Finished(_process.ExitCode, Output, Error);
    }

    /// <summary>Waits for a text in either output and gives the first line it is in.</summary>
    public async Task<string> LineWithAsync(string text) => (await LinesWithAsync(text, 1))[0];

    /// <summary>Waits for so many lines with a text and gives them.</summary>
    public async Task<string[]> LinesWithAsync(string text, int count)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (true)
        {
            Task changed;
            lock (_gate)
            {
                string all = $"{_output}{_error}";
                string[] lines = [.. all.Split('\n').SkipLast(1).Where(line => line.Contains(text, StringComparison.Ordinal))];
                if (lines.Length >= count)
                {
                    return lines;
                }

                Assert.False(_process.HasExited, $"The process ended before it said '{text}': {all}");
                changed = _changed.Task;
            }

            await changed.WaitAsync(patience.Token);
        }
    }

    /// <summary>Kills it as the system would: no goodbye.</summary>
    public async Task KillAsync()
    {
        _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
    }

    /// <summary>Asks it to end, as a service manager does. Not by Ctrl-C's signal, which a background job inherits as ignored.</summary>
    public async Task<Finished> InterruptAsync()
    {
        await SignalAsync("TERM");
        return await EndAsync();
    }

    /// <summary>Sends a signal.</summary>
    public async Task SignalAsync(string name)
    {
        using Process kill = Process.Start("kill", [$"-{name}", Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            await KillAsync();
        }

        _process.Dispose();
    }

    private void Keep(StringBuilder kept, string? line)
    {
        lock (_gate)
        {
            if (line is not null)
            {
                kept.AppendLine(line);
            }

            TaskCompletionSource changed = _changed;
            _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            changed.SetResult();
        }
    }

    private string Read(StringBuilder kept)
    {
        lock (_gate)
        {
            return kept.ToString();
        }
    }
}

/// <summary>How a process ended.</summary>
internal sealed record Finished(int Code, string Output, string Error);
