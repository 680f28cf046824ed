using System.CommandLine;
using NativeSplit.Cluster;
using NativeSplit.Engine;
using NativeSplit.Gateway;
using NativeSplit.Kernels;
using NativeSplit.Model;
using NativeSplit.Placement;
using NativeSplit.Transport.Links;
using Spectre.Console;

namespace NativeSplit.Host;

/// <summary>Runs a command line: parses it, runs the verb, and turns what went wrong into one clear message and an exit code.</summary>
internal static class VerbRunner
{
    private const int UnwrappedWidth = 4096;

    public static async Task<int> InvokeAsync(RootCommand root, string[] args)
    {
        if (Console.IsOutputRedirected)
        {
            AnsiConsole.Profile.Width = UnwrappedWidth;
        }

        ParseResult parsed = root.Parse(args);
        try
        {
            int code = await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
            return parsed.Errors.Count > 0 ? ExitCode.Usage : code;
        }
        catch (OperationCanceledException)
        {
            return ExitCode.Cancelled;
        }
        catch (Exception e) when (CodeOf(e) is { } code)
        {
            ErrorConsole.MarkupLineInterpolated($"[red]error:[/] {e.Message}");
            return code;
        }
        catch (Exception e)
        {
            ErrorConsole.MarkupLineInterpolated($"[red]error:[/] unexpected {e.GetType().Name}: {e.Message}");
            return ExitCode.Failed;
        }
    }

    /// <summary>Console on standard error: status and errors, never data.</summary>
    public static IAnsiConsole ErrorConsole { get; } = CreateErrorConsole();

    private static IAnsiConsole CreateErrorConsole()
    {
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
        if (Console.IsErrorRedirected)
        {
            // Whoever reads a file or a pipe wants lines as they are, not wrapped at 80 columns.
            console.Profile.Width = UnwrappedWidth;
        }

        return console;
    }

    private static int? CodeOf(Exception e) => e switch
    {
        UsageException => ExitCode.Usage,
        ModelException or PlanException => ExitCode.BadFile,
        ClusterException or LinkException or GatewayException => ExitCode.Network,
        EngineException => ExitCode.Refused,
        KernelException => ExitCode.Usage,
        IOException or UnauthorizedAccessException => ExitCode.Failed,
        _ => null,
    };
}

/// <summary>The options of a command line don't go together, or a value is out of range. The message names the option and the way out.</summary>
internal sealed class UsageException(string message) : Exception(message);
