using System.Globalization;
using NativeSplit.Cluster.Routes;
using NativeSplit.Engine.Execution;
using NativeSplit.Placement;
using Spectre.Console;

namespace NativeSplit.Host.Demo;

/// <summary>What the demo shows.</summary>
internal static class DemoReport
{
    public static void Title(string model, string prompt)
    {
        AnsiConsole.MarkupLineInterpolated($"[bold]{model}[/] over three processes. Prompt:");
        AnsiConsole.MarkupLineInterpolated($"[grey]{prompt}[/]");
        AnsiConsole.WriteLine();
    }

    public static void Stream(string text)
    {
        Console.Out.Write(text);
        Console.Out.Flush();
    }

    public static void EndOfStream()
    {
        Console.Out.WriteLine();
        Console.Out.WriteLine();
    }

    public static void Figures(
        IReadOnlyList<StageStatus> stages, IReadOnlyList<(NodeId Node, int ProcessId)> processes, DemoFigures figures, DemoAnswer answer, int hops, RowEncoding encoding, bool equal)
    {
        var table = new Table().Border(TableBorder.Rounded).AddColumns("node", "process", "layers", "runs on", "compute per token");
        for (int i = 0; i < stages.Count; i++)
        {
            StageStatus stage = stages[i];
            bool remote = figures.WorkerCompute.TryGetValue((ushort)i, out TimeSpan compute);
            string role = remote ? string.Empty : " (trusted)";
            table.AddRow(
                stage.Node.Value + role,
                processes.First(p => p.Node == stage.Node).ProcessId.ToString(CultureInfo.InvariantCulture),
                $"{stage.Layers.Start} to {stage.Layers.End - 1}",
                stage.Backend,
                remote ? Milliseconds(compute) : $"{Milliseconds(figures.GatewayCompute)} (both its segments)");
        }

        AnsiConsole.Write(table);
        Line("Embedding, head, tokenizer and sampler stay at the gateway; workers see activations only, over mutually authenticated, sealed links.");
        Line($"{answer.Usage.PromptTokens} prompt tokens, {answer.Usage.CompletionTokens} generated. TTFT {Milliseconds(answer.Timings.TimeToFirstToken)}.");
        Line($"Per token: {figures.BytesPerToken:0} bytes on {hops} links ({encoding.ToString().ToLowerInvariant()} activations), step {Milliseconds(figures.StepTime)}, hop {Milliseconds(figures.HopTime)} each (means over {figures.Steps} decode steps).");
        AnsiConsole.MarkupLine(equal
            ? "[green]The text equals the unsplit run's, character for character.[/]"
            : "[red]The text differs from the unsplit run's.[/]" + (encoding == RowEncoding.F32 ? string.Empty : " Rounded activations may do that."));
    }

    public static void Serving(Uri url, string model)
    {
        AnsiConsole.WriteLine();
        Console.Out.WriteLine($"The cluster goes on at {url}v1/chat/completions until Ctrl-C. Try:");
        Console.Out.WriteLine($$"""  curl {{url}}v1/chat/completions -H 'Content-Type: application/json' -d '{"model": "{{model}}", "messages": [{"role": "user", "content": "Roadworks on route B27 westbound, kilometre 9, at 16:30. The left lane is closed. The weather is dry and sunny."}], "temperature": 0}'""");
    }

    private static void Line(FormattableString text) => AnsiConsole.WriteLine(text.ToString(CultureInfo.InvariantCulture));

    private static void Line(string text) => AnsiConsole.WriteLine(text);

    private static string Milliseconds(TimeSpan time) => string.Create(CultureInfo.InvariantCulture, $"{time.TotalMilliseconds:0.000} ms");
}
