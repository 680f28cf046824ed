using System.CommandLine;
using NativeSplit.Cluster;
using NativeSplit.Engine;
using NativeSplit.Gateway;
using NativeSplit.Kernels;
using NativeSplit.Kernels.Ilgpu;
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
        if (parsed.Errors.Count > 0 && args.Length > 0)
        {
            return ReportErrors(parsed);
        }

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

    /// <summary>Says what is wrong with a command line, and where to read on: a page of help would push the reason off the screen.</summary>
    private static int ReportErrors(ParseResult parsed)
    {
        foreach (string message in parsed.Errors.Select(error => Plain(error.Message)).Distinct())
        {
            ErrorConsole.MarkupLineInterpolated($"[red]error:[/] {message}");
        }

        Command command = parsed.CommandResult.Command;
        Console.Error.WriteLine($"See: nativesplit {(command is RootCommand ? string.Empty : command.Name + " ")}--help");
        return ExitCode.Usage;
    }

    /// <summary>The parser names types as the runtime does; a person wants to know what to type.</summary>
    private static string Plain(string message)
    {
        int type = message.IndexOf(" as expected type '", StringComparison.Ordinal);
        if (type < 0)
        {
            return message;
        }

        string name = message[type..];
        string wanted = name.Contains("Single", StringComparison.Ordinal) || name.Contains("Double", StringComparison.Ordinal) ? "a number"
            : name.Contains("Int", StringComparison.Ordinal) ? "a whole number in range"
            : name.Contains("Boolean", StringComparison.Ordinal) ? "true or false"
            : "what is expected";
        return $"{message[..type]}: it isn't {wanted}.";
    }

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
        ModelException or PlanException or ClusterException { Fault: ClusterFault.BadRegistry } => ExitCode.BadFile,
        ClusterException or LinkException or GatewayException => ExitCode.Network,
        EngineException => ExitCode.Refused,
        KernelException or DeviceException => ExitCode.Usage,
        IOException or UnauthorizedAccessException => ExitCode.Failed,
        _ => null,
    };
}

/// <summary>The options of a command line don't go together, or a value is out of range. The message names the option and the way out.</summary>
internal sealed class UsageException(string message) : Exception(message)
{
    /// <summary>What an argument check said, without the name of the code's parameter.</summary>
    public static UsageException From(ArgumentException cause) =>
        new(cause.ParamName is null ? cause.Message : cause.Message.Replace($" (Parameter '{cause.ParamName}')", string.Empty, StringComparison.Ordinal));
}
