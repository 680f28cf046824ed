using NativeSplit.Testing;

namespace NativeSplit.EndToEnd.Tests;

/// <summary>A report and what the shipped model answers to it, computed by another program (tests/data/roadside/golden.json).</summary>
internal static class RoadsideAnswer
{
    private const string Before = "Report: ";
    private const string After = "\nSummary:";

    /// <summary>The golden case: the demo's default prompt.</summary>
    public static RoadsideGolden Golden => RoadsideGolden.Cases[0];

    /// <summary>The report alone; the model's chat template puts the rest around it.</summary>
    public static string Report { get; } = Golden.Prompt[Before.Length..^After.Length];

    /// <summary>The greedy answer.</summary>
    public static string Answer => Golden.Text;
}
