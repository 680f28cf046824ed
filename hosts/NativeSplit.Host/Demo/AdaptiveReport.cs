using System.Globalization;
using NativeSplit.Cluster.Routes;
using Spectre.Console;

namespace NativeSplit.Host.Demo;

/// <summary>What one event of the adaptive demo led to.</summary>
/// <param name="Event">What happened.</param>
/// <param name="Decision">What the orchestrator did.</param>
/// <param name="Took">Time from the event until the new plan was in force; null when none came.</param>
/// <param name="Plan">The plan in force afterwards.</param>
/// <param name="Switch">How the change went; null when none came.</param>
/// <param name="Streams">What the streams did from the event on.</param>
internal sealed record AdaptiveRow(string Event, string Decision, TimeSpan? Took, string Plan, SwitchReport? Switch, StreamSpan Streams);

/// <summary>The table at the end of the adaptive demo.</summary>
internal static class AdaptiveReport
{
    public static void Table(IReadOnlyList<AdaptiveRow> rows, int answers, int different, int streams)
    {
        AnsiConsole.WriteLine();
        var table = new Table().Border(TableBorder.Rounded).AddColumns("event", "decision", "new plan after", "KV cache", "no step for", "longest wait for a token");
        foreach (AdaptiveRow row in rows)
        {
            table.AddRow(
                row.Event,
                row.Decision,
                row.Took is { } took ? Text($"{took.TotalSeconds:0.0} s") : "-",
                row.Switch is null ? "-" : row.Switch.IsKept ? "kept" : "rebuilt",
                row.Switch is null ? "-" : Text($"{row.Switch.Pause.TotalMilliseconds:0.0} ms"),
                Text($"{row.Streams.LongestGap.TotalMilliseconds:0} ms"));
        }

        AnsiConsole.Write(table);
        AnsiConsole.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{answers} answers over {streams} streams; none was lost."));
        AnsiConsole.MarkupLine(different == 0
            ? "[green]Every answer equals the unsplit run's, character for character.[/]"
            : Text($"[red]{different} answer(s) differ from the unsplit run's.[/]"));
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
