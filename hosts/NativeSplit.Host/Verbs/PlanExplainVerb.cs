using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using NativeSplit.Host.Composition;
using NativeSplit.Orchestrator;
using NativeSplit.Placement.Deciding;

namespace NativeSplit.Host.Verbs;

/// <summary><c>plan explain</c>: what a gateway that plans by itself decided, and why.</summary>
internal static class PlanExplainVerb
{
    public static Command Create()
    {
        Option<string> data = new("--data") { Description = "The gateway's data folder.", HelpName = "FOLDER", Required = true };
        Option<int> last = new("--last") { Description = "Decisions to show.", HelpName = "N", DefaultValueFactory = _ => 10 };
        Option<bool> json = CommonArguments.Json();
        Command command = new("explain", "Show what a gateway with --adapt decided, and why: the newest last.") { data, last, json };
        command.SetAction(parsed =>
        {
            string file = DecisionFile.PathIn(parsed.GetRequiredValue(data));
            if (parsed.GetValue(last) < 1)
            {
                throw new UsageException($"--last {parsed.GetValue(last)} must be 1 or more.");
            }

            if (!File.Exists(file))
            {
                throw new UsageException($"{file} isn't there. It is written by 'serve --adapt --data FOLDER' with the first decision.");
            }

            foreach (string line in File.ReadLines(file).TakeLast(parsed.GetValue(last)))
            {
                if (parsed.GetValue(json))
                {
                    Console.WriteLine(line);
                }
                else
                {
                    Show(line, file);
                }
            }

            return ExitCode.Done;
        });
        return command;
    }

    private static void Show(string line, string file)
    {
        DecisionRecord record;
        try
        {
            record = DecisionRecord.Parse(line);
        }
        catch (JsonException e)
        {
            // The last line may be half written when the disk was full.
            Console.WriteLine($"(a line of {file} can't be read: {e.Message})");
            return;
        }

        Console.WriteLine($"{record.Time.UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC  {Word(record.Kind)}  because of: {record.Trigger.ToString().ToLowerInvariant()}{(record.Cause is { } cause ? $", {cause}" : ", first plan")}");
        Console.WriteLine($"  plan: {record.Plan}");
        if (record.Cost is { } cost)
        {
            string before = record.CurrentCost is { } current ? $", before {Phi(current)}" : string.Empty;
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  cost: {Phi(cost)}{before}; a better plan may exist by {record.Gap / 1e4:0.00} % at most"));
        }

        if (record.Terms is { } terms)
        {
            Console.WriteLine($"    latency {Phi(terms.Latency)}, missed SLOs {Phi(terms.SloMiss)}, utilisation {Phi(terms.Utilization)}, privacy {Phi(terms.Privacy)}, moving {Phi(terms.Migration)}");
        }

        if (record.BytesToMove > 0)
        {
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  moves: {InspectVerb.Bytes(record.BytesToMove)}{(record.PayBackSeconds is { } seconds ? $", paid back after {seconds:0} s" : string.Empty)}"));
        }

        foreach (string reason in record.Faults.Concat(record.Binding))
        {
            Console.WriteLine($"  {reason}");
        }

        foreach (NodeRecord node in record.Nodes)
        {
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {node.Node}: {node.DecodeNanosecondsPerStep / 1e3:0.#} us per step and layer, {node.PrefillNanosecondsPerRow / 1e3:0.##} us per prompt row, {InspectVerb.Bytes(node.MemoryBytes)}{(node.Trusted ? ", trusted" : string.Empty)}"));
        }
    }

    private static string Word(DecisionKind kind) => kind switch
    {
        DecisionKind.Keep => "KEEP",
        DecisionKind.Redistribute => "REDISTRIBUTE",
        DecisionKind.Resplit => "RE-SPLIT",
        DecisionKind.Stuck => "STUCK",
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "No such decision."),
    };

    private static string Phi(long cost) => string.Create(CultureInfo.InvariantCulture, $"{cost / 1e5:0.00000}");
}
