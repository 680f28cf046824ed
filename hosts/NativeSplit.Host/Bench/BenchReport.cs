using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using NativeSplit.Host.Verbs;
using NativeSplit.Model.Files;
using Spectre.Console;

namespace NativeSplit.Host.Bench;

/// <summary>Writes what was measured, for people or for programs.</summary>
internal static class BenchReport
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    public static void WriteTable(ModelFile model, IReadOnlyList<BenchGroup> groups, BenchPlan plan, bool markdown)
    {
        Table table = new Table().Border(markdown ? TableBorder.Markdown : TableBorder.Rounded)
            .AddColumns("model", "size", "params", "backend");
        foreach (string column in (string[])["threads", "test", "t/s", "best t/s", "ms", "GFLOP/s", "weights GB/s", "of read", "B/token"])
        {
            table.AddColumn(new TableColumn(column).RightAligned());
        }

        foreach (BenchGroup group in groups)
        {
            foreach (BenchResult result in group.Results)
            {
                table.AddRow(
                    model.Name, InspectVerb.Bytes(SizeOf(model)), Parameters(model.ParameterCount), group.Backend, Text($"{group.Threads}"),
                    result.Test.Name, Text($"{result.Mean:0.00} ± {result.Deviation:0.00}"), Text($"{result.Best:0.00}"), Text($"{result.BestTime.TotalMilliseconds:0.00}"),
                    Text($"{result.OperationRate / 1e9:0.0}"), Text($"{result.WeightBandwidth / 1e9:0.0}"), Text($"{result.ShareOfRead:0 %}"), Text($"{result.AllocatedPerToken:0}"));
            }
        }

        AnsiConsole.Write(table);
        foreach (BenchGroup group in groups)
        {
            Line($"{group.Threads} thread(s): read bandwidth {group.ReadBandwidth / 1e9:0.0} GB/s, load {group.LoadTime.TotalMilliseconds:0} ms, peak memory {(group.PeakMemoryBytes is { } peak ? InspectVerb.Bytes(peak) : "unknown")}.");
        }

        Line($"{MachineFacts.Processor ?? "processor unknown"}, {Environment.ProcessorCount} processors for this process, load average {MachineFacts.LoadAverage ?? "unknown"}; {plan.Repetitions} run(s) of each test.");
        Line($"ms: the whole prompt for pp, one step for tg, best run. GB/s and shares are of the best run. B/token: managed bytes allocated.");
    }

    public static void WriteJson(ModelFile model, IReadOnlyList<BenchGroup> groups, BenchPlan plan)
    {
        var document = new JsonObject
        {
            ["model"] = model.Name,
            ["size"] = SizeOf(model),
            ["parameters"] = model.ParameterCount,
            ["processor"] = MachineFacts.Processor,
            ["processors"] = Environment.ProcessorCount,
            ["load_average"] = MachineFacts.LoadAverage,
            ["repetitions"] = plan.Repetitions,
            ["groups"] = new JsonArray([.. groups.Select(Describe)]),
        };
        Console.Out.WriteLine(document.ToJsonString(Indented));
    }

    private static JsonNode Describe(BenchGroup group) => new JsonObject
    {
        ["threads"] = group.Threads,
        ["backend"] = group.Backend,
        ["load_ms"] = group.LoadTime.TotalMilliseconds,
        ["read_bytes_per_second"] = group.ReadBandwidth,
        ["peak_memory_bytes"] = group.PeakMemoryBytes,
        ["results"] = new JsonArray([.. group.Results.Select(Describe)]),
    };

    private static JsonNode Describe(BenchResult result) => new JsonObject
    {
        ["test"] = result.Test.Name,
        ["prefill"] = result.Test.IsPrefill,
        ["tokens"] = result.Test.Tokens,
        ["batch"] = result.Test.Batch,
        ["depth"] = result.Test.Depth,
        ["tokens_per_second"] = result.Mean,
        ["tokens_per_second_deviation"] = result.Deviation,
        ["tokens_per_second_best"] = result.Best,
        ["tokens_per_second_runs"] = new JsonArray([.. result.Rates.Select(rate => (JsonNode)rate)]),
        [result.Test.IsPrefill ? "prefill_ms" : "step_ms"] = result.BestTime.TotalMilliseconds,
        ["operations_per_second"] = result.OperationRate,
        ["weight_bytes_per_step"] = result.BytesPerStep,
        ["weight_bytes_per_second"] = result.WeightBandwidth,
        ["share_of_read_bandwidth"] = result.ShareOfRead,
        ["allocated_bytes_per_token"] = result.AllocatedPerToken,
    };

    private static string Parameters(long count) => count >= 1_000_000_000 ? Text($"{count / 1e9:0.00} B") : Text($"{count / 1e6:0.00} M");

    private static long SizeOf(ModelFile model) => model.Tensors.Sum(tensor => tensor.ByteLength);

    private static void Line(FormattableString text) => Console.Out.WriteLine(Text(text));

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
