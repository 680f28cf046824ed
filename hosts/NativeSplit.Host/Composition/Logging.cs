using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace NativeSplit.Host.Composition;

/// <summary>Logs of long-running verbs: one line each, on standard error.</summary>
internal static class Logging
{
    public static ILoggerFactory Create(bool verbose, LogLevel quietLevel = LogLevel.Information) => LoggerFactory.Create(builder => builder
        .SetMinimumLevel(verbose ? LogLevel.Debug : quietLevel)
        .AddFilter("Microsoft", LogLevel.Warning)

        // Says with a stack trace what the verb's own error says in a sentence.
        .AddFilter("Microsoft.Extensions.Hosting", LogLevel.None)
        .AddSimpleConsole(options =>
        {
            options.SingleLine = true;
            options.TimestampFormat = "HH:mm:ss ";
            options.ColorBehavior = LoggerColorBehavior.Default;
        })
        .Services.Configure<ConsoleLoggerOptions>(options => options.LogToStandardErrorThreshold = LogLevel.Trace));
}
